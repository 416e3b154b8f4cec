package resp

import (
	"slices"
	"strings"

	"diskette/resp/internal/glob"
	"diskette/resp/internal/words"
)

// A denial is why a user may not run a command. The reasons' order is Redis's: of several selectors' reasons the last in
// this order is told.
type denial struct {
	reason denialReason
	at     int // the argument that is denied, of keys and channels
}

type denialReason int

const (
	allowed denialReason = iota
	deniedCommand
	deniedKey
	deniedAuth
	deniedChannel
	denialReasons
)

// denialWords are ACL LOG's, and the ends of the names in INFO.
var denialWords = [denialReasons]struct{ log, info string }{
	deniedCommand: {"command", "cmd"}, deniedKey: {"key", "key"}, deniedAuth: {"auth", "auth"}, deniedChannel: {"channel", "channel"},
}

// object is what ACL LOG says was denied.
func (d denial) object(r *row, args [][]byte) string {
	if d.reason == deniedCommand {
		return r.full
	}
	return string(args[d.at])
}

// text is the denial in words; verbose names the key or channel.
func (d denial) text(user string, r *row, args [][]byte, verbose bool) string {
	if d.reason == deniedCommand {
		return "User " + user + " has no permissions to run the '" + r.full + "' command"
	}
	if verbose {
		return "User " + user + " has no permissions to access the '" + string(args[d.at]) + "' " + denialWords[d.reason].log
	}
	return "No permissions to access a " + denialWords[d.reason].log
}

// check looks for a selector that allows the command.
func (p *permissions) check(r *row, args [][]byte) denial {
	if p.all {
		return denial{}
	}
	worst := denial{reason: deniedCommand}
	for _, s := range p.selectors {
		d := s.check(r, args)
		if d.reason == allowed {
			return d
		}
		if d.reason > worst.reason || d.reason == worst.reason && d.at > worst.at {
			worst = d
		}
	}
	return worst
}

func (s *selector) check(r *row, args [][]byte) denial {
	if r.flags&noAuth == 0 && !s.allowsCommand(r) && !s.allowsFirstArg(r, args) {
		return denial{reason: deniedCommand}
	}
	if !s.allKeys {
		if d := s.checkKeys(r, args); d.reason != allowed {
			return d
		}
	}
	if !s.allChannels {
		for i := range channelArgs(r, args) {
			if !s.allowsChannel(args[i+1], r.name == "psubscribe") {
				return denial{deniedChannel, i + 1}
			}
		}
	}
	return denial{}
}

// allowsFirstArg is for a command that is forbidden but with certain first arguments.
func (s *selector) allowsFirstArg(r *row, args [][]byte) bool {
	return len(args) > 1 && slices.ContainsFunc(s.firstArgs[r.id], func(first string) bool { return strings.EqualFold(first, words.ViewString(args[1])) })
}

func (s *selector) checkKeys(r *row, args [][]byte) (d denial) {
	for i := range r.keys {
		spec := &r.keys[i]
		access := spec.access
		if spec.vary != nil {
			access = spec.vary(args)
		}
		read, write, isKey := needs(access)
		if !isKey {
			continue
		}
		spec.each(args, func(at int) {
			if d.reason == allowed && !s.allowsKey(args[at], read, write) {
				d = denial{deniedKey, at}
			}
		})
	}
	return d
}

// readsAllKeys reports whether a command may read every key, as SORT's BY and GET need.
func (p *permissions) readsAllKeys(r *row, args [][]byte) bool {
	return p.all || slices.ContainsFunc(p.selectors, func(s *selector) bool {
		return s.check(r, args).reason == allowed &&
			(s.allKeys || slices.ContainsFunc(s.keys, func(k keyPattern) bool { return k.read && k.pattern == "*" }))
	})
}

// needs is what a key specification's access words ask of a pattern. Looking at a key's kind or length needs neither.
func needs(access string) (read, write, isKey bool) {
	for word := range strings.FieldsSeq(access) {
		switch word {
		case "access":
			read = true
		case "insert", "update", "delete":
			write = true
		case "not_key":
			return false, false, false
		}
	}
	return read, write, true
}

func (s *selector) allowsKey(key []byte, read, write bool) bool {
	return slices.ContainsFunc(s.keys, func(k keyPattern) bool {
		return (k.read || !read) && (k.write || !write) && glob.Match(words.ViewBytes(k.pattern), key)
	})
}

// channelArgs are the arguments of a command that name channels. Leaving them needs no permission.
func channelArgs(r *row, args [][]byte) [][]byte {
	switch r.name {
	case "publish", "spublish":
		return args[1:min(2, len(args))]
	case "subscribe", "ssubscribe", "psubscribe":
		return args[1:]
	}
	return nil
}

// allowsChannel: a pattern to listen to must be among the allowed ones itself.
func (s *selector) allowsChannel(channel []byte, isPattern bool) bool {
	return slices.ContainsFunc(s.channels, func(pattern string) bool {
		if isPattern {
			return pattern == words.ViewString(channel)
		}
		return glob.Match(words.ViewBytes(pattern), channel)
	})
}
