package acl

import (
	"errors"
	"slices"
	"strings"

	"diskette/resp/command"
	"diskette/resp/internal/words"
)

// A Selector is one set of permissions: commands, keys and channels that go together. A user has one of his
// own and, in parentheses, perhaps further ones; a command is allowed if one selector alone allows all of it.
// A selector that a user has is never changed.
type Selector struct {
	allCommands bool     // nothing has been taken away since +@all
	future      bool     // the rules began with +@all
	commands    []uint64 // a bit a row, by Row.ID
	rules       []string // what led to commands from +@all or -@all on: "+@read", "-get"
	firstArgs   map[int][]string

	allKeys     bool
	keys        []keyPattern
	AllChannels bool
	Channels    []string
}

// keyPattern allows reading keys, changing them, or both.
type keyPattern struct {
	pattern     string
	read, write bool
}

func (k *keyPattern) String() string {
	switch {
	case k.read && k.write:
		return "~" + k.pattern
	case k.read:
		return "%R~" + k.pattern
	}
	return "%W~" + k.pattern
}

// What is wrong with a rule, in Redis's words.
var (
	errRuleSyntax   = errors.New("Syntax error")
	errRuleCommand  = errors.New("Unknown command or category name in ACL")
	errRuleKeys     = errors.New("Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns")
	errRuleChannels = errors.New("Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels")
	errRulePassword = errors.New("The password you are trying to remove from the user does not exist")
	errRuleHash     = errors.New("The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters")
	errRuleFirstArg = errors.New("Allowing first-arg of a subcommand is not supported")
)

func (s *Selector) clone() *Selector {
	c := *s
	c.commands, c.rules = slices.Clone(s.commands), slices.Clone(s.rules)
	c.keys, c.Channels = slices.Clone(s.keys), slices.Clone(s.Channels)
	c.firstArgs = map[int][]string{}
	for id, args := range s.firstArgs {
		c.firstArgs[id] = slices.Clone(args)
	}
	return &c
}

// all says that the selector allows everything.
func (s *Selector) all() bool { return s.allCommands && s.allKeys && s.AllChannels }

// apply obeys one rule about commands, keys or channels.
func (s *Selector) apply(t *command.Table, rule string) error {
	switch strings.ToLower(rule) {
	case "allkeys", "~*":
		s.allKeys, s.keys = true, nil
	case "resetkeys":
		s.allKeys, s.keys = false, nil
	case "allchannels", "&*":
		s.AllChannels, s.Channels = true, nil
	case "resetchannels":
		s.AllChannels, s.Channels = false, nil
	case "allcommands", "+@all":
		s.setAll(t, true)
	case "nocommands", "-@all":
		s.setAll(t, false)
	default:
		switch rule[0] {
		case '~', '%':
			return s.addKeys(rule)
		case '&':
			return s.addChannels(rule[1:])
		case '+', '-':
			return s.applyCommand(t, rule)
		}
		return errRuleSyntax
	}
	return nil
}

func (s *Selector) setAll(t *command.Table, allow bool) {
	s.allCommands, s.future, s.rules, s.firstArgs = allow, allow, nil, nil
	s.commands = make([]uint64, t.IDs/64+1)
	if allow {
		for i := range s.commands {
			s.commands[i] = ^uint64(0)
		}
	}
}

func (s *Selector) addKeys(rule string) error {
	if s.allKeys {
		return errRuleKeys
	}
	k := keyPattern{read: rule[0] == '~', write: rule[0] == '~'}
	letters, pattern, ok := strings.Cut(rule, "~")
	if !ok {
		return errRuleSyntax
	}
	for _, letter := range strings.TrimPrefix(letters, "%") {
		switch {
		case (letter == 'R' || letter == 'r') && !k.read:
			k.read = true
		case (letter == 'W' || letter == 'w') && !k.write:
			k.write = true
		default:
			return errRuleSyntax
		}
	}
	if !k.read && !k.write || HasSpace(pattern) {
		return errRuleSyntax
	}
	k.pattern = pattern
	for i := range s.keys {
		if s.keys[i].pattern == pattern {
			s.keys[i].read, s.keys[i].write = s.keys[i].read || k.read, s.keys[i].write || k.write
			return nil
		}
	}
	s.keys = append(s.keys, k)
	return nil
}

func (s *Selector) addChannels(pattern string) error {
	switch {
	case s.AllChannels:
		return errRuleChannels
	case HasSpace(pattern):
		return errRuleSyntax
	case !slices.Contains(s.Channels, pattern):
		s.Channels = append(s.Channels, pattern)
	}
	return nil
}

// HasSpace is C's isspace, and the zero byte.
func HasSpace(s string) bool { return strings.ContainsAny(s, " \t\n\v\f\r\x00") }

// applyCommand obeys +command, -command, +command|argument, +@category and -@category.
func (s *Selector) applyCommand(t *command.Table, rule string) error {
	allow, name := rule[0] == '+', rule[1:]
	if category, is := strings.CutPrefix(name, "@"); is {
		if !IsCategory(category) {
			return errRuleCommand
		}
		for _, r := range t.Rows {
			s.setCategory(r, category, allow)
		}
		s.noteRule(name, allow)
		return nil
	}
	if r := t.Find(name); r != nil {
		s.set(r, allow)
		s.noteRule(r.Full, allow)
		return nil
	}
	if HasSpace(name) && (isForeign(name) || strings.Contains(name, "|")) {
		return errRuleSyntax // no line of a file can say it
	}
	if isForeign(name) { // the rule stays: to forbid what is not there is no mistake
		s.noteRule(name, allow)
		return nil
	}
	at := strings.LastIndexByte(name, '|')
	if !allow || at < 0 {
		return errRuleCommand
	}
	r := t.Find(name[:at])
	switch {
	case r == nil:
		return errRuleCommand
	case r.Full != r.Name:
		return errRuleFirstArg
	case at == len(name)-1:
		return errRuleSyntax
	case r.Subs != nil:
		return errRuleCommand
	}
	if s.firstArgs == nil {
		s.firstArgs = map[int][]string{}
	}
	if first := name[at+1:]; !slices.ContainsFunc(s.firstArgs[r.ID],
		func(have string) bool { return strings.EqualFold(have, first) }) {
		s.firstArgs[r.ID] = append(s.firstArgs[r.ID], first)
	}
	s.noteRule(name, allow)
	return nil
}

// foreignCommands are Redis's that this server has not, or not with all subcommands, being no cluster,
// without replicas and modules. Users that come from a Redis may be allowed or forbidden them.
var foreignCommands = []string{
	"asking", "cluster", "failover", "module", "psync", "readonly", "readwrite", "replconf", "replicaof",
	"restore-asking", "slaveof", "sync",
}

func isForeign(name string) bool {
	command, _, _ := strings.Cut(strings.ToLower(name), "|")
	return slices.Contains(foreignCommands, command)
}

// IsCategory reports whether there is a category of this name.
func IsCategory(name string) bool {
	return slices.ContainsFunc(command.CategoryNames, func(have string) bool { return strings.EqualFold(have, name) })
}

// set allows or forbids a command; a container stands for its subcommands too.
func (s *Selector) set(r *command.Row, allow bool) {
	s.setBit(r.ID, allow)
	delete(s.firstArgs, r.ID)
	for _, sub := range r.Subs {
		s.setBit(sub.ID, allow)
	}
}

func (s *Selector) setCategory(r *command.Row, category string, allow bool) {
	if r.IsIn(category) {
		s.set(r, allow)
	}
	for _, sub := range r.Subs {
		if sub.IsIn(category) {
			s.set(sub, allow)
		}
	}
}

func (s *Selector) setBit(id int, allow bool) {
	if allow {
		s.commands[id/64] |= 1 << (id % 64)
		return
	}
	s.commands[id/64] &^= 1 << (id % 64)
	s.allCommands = false
}

func (s *Selector) allowsCommand(r *command.Row) bool {
	return s.allCommands || s.commands[r.ID/64]&(1<<(r.ID%64)) != 0
}

// noteRule keeps a rule for those who ask what led here; it makes earlier ones for the same
// command, its subcommands or the same category pointless.
func (s *Selector) noteRule(name string, allow bool) {
	name = strings.ToLower(name)
	s.rules = slices.DeleteFunc(s.rules, func(rule string) bool {
		rest, same := strings.CutPrefix(rule[1:], name)
		return same && (rest == "" || rest[0] == '|')
	})
	if allow {
		s.rules = append(s.rules, "+"+name)
	} else {
		s.rules = append(s.rules, "-"+name)
	}
}

func (s *Selector) commandRules() []string {
	if s.future {
		return append([]string{"+@all"}, s.rules...)
	}
	return append([]string{"-@all"}, s.rules...)
}

func (s *Selector) keyRules() (all []string) {
	if s.allKeys {
		return []string{"~*"}
	}
	for i := range s.keys {
		all = append(all, s.keys[i].String())
	}
	return all
}

func (s *Selector) channelRules() (all []string) {
	if s.AllChannels {
		return []string{"&*"}
	}
	for _, c := range s.Channels {
		all = append(all, "&"+c)
	}
	return all
}

// lead is the rules that lead to the selector.
func (s *Selector) lead() []string {
	rules := s.keyRules()
	if !s.AllChannels {
		rules = append(rules, "resetchannels")
	}
	return slices.Concat(rules, s.channelRules(), s.commandRules())
}

// inParentheses is a further selector as one rule, from which addSelector makes it again. Where a word of it
// would read otherwise it is in quotes, which Redis writes nowhere: there a pattern with a quote in it makes
// another selector when the file is read.
func (s *Selector) inParentheses() string {
	rules := s.lead()
	for i, rule := range rules {
		if strings.HasSuffix(rule, ")") || !words.ReadsAsItself(rule) { // MergeSelectors would take that for the end
			rules[i] = words.Quote(rule)
		}
	}
	return "(" + strings.Join(rules, " ") + ")"
}

// Fields are the selector as ACL GETUSER shows it.
func (s *Selector) Fields() []command.Reply {
	return []command.Reply{
		command.BulkString("commands"), command.BulkString(strings.Join(s.commandRules(), " ")),
		command.BulkString("keys"), command.BulkString(strings.Join(s.keyRules(), " ")),
		command.BulkString("channels"), command.BulkString(strings.Join(s.channelRules(), " ")),
	}
}
