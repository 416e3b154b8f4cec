package acl

import (
	"slices"
	"strings"

	"diskette/resp/command"
	"diskette/resp/internal/glob"
	"diskette/resp/internal/words"
)

// A Denial is why a user may not run a command. The reasons' order is Redis's: of several
// selectors' reasons the last in this order is told.
type Denial struct {
	Reason DenialReason
	at     int // the argument that is denied, of keys and channels
}

// DenialReason is what a user lacks the permission for.
type DenialReason int

const (
	Allowed DenialReason = iota
	DeniedCommand
	DeniedKey
	DeniedAuth
	DeniedChannel
	DenialReasons
)

// DenialWords are ACL LOG's, and the ends of the names in INFO.
var DenialWords = [DenialReasons]struct{ log, Info string }{
	DeniedCommand: {"command", "cmd"}, DeniedKey: {"key", "key"}, DeniedAuth: {"auth", "auth"},
	DeniedChannel: {"channel", "channel"},
}

// Object is what ACL LOG says was denied.
func (d Denial) Object(r *command.Row, args [][]byte) string {
	if d.Reason == DeniedCommand {
		return r.Full
	}
	return string(args[d.at])
}

// Text is the denial in words; verbose names the key or channel.
func (d Denial) Text(user string, r *command.Row, args [][]byte, verbose bool) string {
	if d.Reason == DeniedCommand {
		return "User " + user + " has no permissions to run the '" + r.Full + "' command"
	}
	if verbose {
		return "User " + user + " has no permissions to access the '" + string(args[d.at]) + "' " +
			DenialWords[d.Reason].log
	}
	return "No permissions to access a " + DenialWords[d.Reason].log
}

// Check looks for a selector that allows the command.
func (p *Permissions) Check(r *command.Row, args [][]byte) Denial {
	if p.All {
		return Denial{}
	}
	worst := Denial{Reason: DeniedCommand}
	for _, s := range p.Selectors {
		d := s.check(r, args)
		if d.Reason == Allowed {
			return d
		}
		if d.Reason > worst.Reason || d.Reason == worst.Reason && d.at > worst.at {
			worst = d
		}
	}
	return worst
}

func (s *Selector) check(r *command.Row, args [][]byte) Denial {
	if r.Flags&command.NoAuth == 0 && !s.allowsCommand(r) && !s.allowsFirstArg(r, args) {
		return Denial{Reason: DeniedCommand}
	}
	if !s.allKeys {
		if d := s.checkKeys(r, args); d.Reason != Allowed {
			return d
		}
	}
	if !s.AllChannels {
		for i := range channelArgs(r, args) {
			if !s.AllowsChannel(args[i+1], r.Name == "psubscribe") {
				return Denial{DeniedChannel, i + 1}
			}
		}
	}
	return Denial{}
}

// allowsFirstArg is for a command that is forbidden but with certain first arguments.
func (s *Selector) allowsFirstArg(r *command.Row, args [][]byte) bool {
	return len(args) > 1 && slices.ContainsFunc(s.firstArgs[r.ID],
		func(first string) bool { return strings.EqualFold(first, words.ViewString(args[1])) })
}

func (s *Selector) checkKeys(r *command.Row, args [][]byte) (d Denial) {
	for i := range r.Keys {
		spec := &r.Keys[i]
		access := spec.Access
		if spec.Vary != nil {
			access = spec.Vary(args)
		}
		read, write, isKey := command.Needs(access)
		if !isKey {
			continue
		}
		spec.Each(args, func(at int) {
			if d.Reason == Allowed && !s.allowsKey(args[at], read, write) {
				d = Denial{DeniedKey, at}
			}
		})
	}
	return d
}

// ReadsAllKeys reports whether a command may read every key, as SORT's BY and GET need.
func (p *Permissions) ReadsAllKeys(r *command.Row, args [][]byte) bool {
	return p.All || slices.ContainsFunc(p.Selectors, func(s *Selector) bool {
		return s.check(r, args).Reason == Allowed &&
			(s.allKeys || slices.ContainsFunc(s.keys, func(k keyPattern) bool { return k.read && k.pattern == "*" }))
	})
}

// ReadsPrefix reports whether a command may read every key whose name begins so: a pattern that ends with an asterisk
// and matches the prefix matches whatever follows.
func (p *Permissions) ReadsPrefix(r *command.Row, args [][]byte, prefix string) bool {
	return p.All || slices.ContainsFunc(p.Selectors, func(s *Selector) bool {
		return s.check(r, args).Reason == Allowed && (s.allKeys || slices.ContainsFunc(s.keys, func(k keyPattern) bool {
			return k.read && endsWithAny(k.pattern) && glob.Match(words.ViewBytes(k.pattern), words.ViewBytes(prefix))
		}))
	})
}

// endsWithAny reports whether a pattern ends with an asterisk that surely is no letter: not escaped, not in brackets.
func endsWithAny(pattern string) bool {
	head, ends := strings.CutSuffix(pattern, "*")
	return ends && !strings.ContainsAny(head, `\[`)
}

func (s *Selector) allowsKey(key []byte, read, write bool) bool {
	return slices.ContainsFunc(s.keys, func(k keyPattern) bool {
		return (k.read || !read) && (k.write || !write) && glob.Match(words.ViewBytes(k.pattern), key)
	})
}

// channelArgs are the arguments of a command that name channels. Leaving them needs no permission.
func channelArgs(r *command.Row, args [][]byte) [][]byte {
	switch r.Name {
	case "publish", "spublish":
		return args[1:min(2, len(args))]
	case "subscribe", "ssubscribe", "psubscribe":
		return args[1:]
	}
	return nil
}

// AllowsChannel: a pattern to listen to must be among the allowed ones itself.
func (s *Selector) AllowsChannel(channel []byte, isPattern bool) bool {
	return slices.ContainsFunc(s.Channels, func(pattern string) bool {
		if isPattern {
			return pattern == words.ViewString(channel)
		}
		return glob.Match(words.ViewBytes(pattern), channel)
	})
}
