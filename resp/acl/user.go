package acl

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strings"
	"sync/atomic"

	"diskette/resp/internal/words"
)

// DefaultUser is the user of connections that have not said who they are. It is always there.
const DefaultUser = "default"

// A User is a name that connections belong to. A change replaces its permissions, for all its connections at once.
type User struct {
	Name        string
	Permissions atomic.Pointer[Permissions]
}

// Permissions are all that is known of a user. They are never changed.
type Permissions struct {
	All         bool // everything is allowed: the one thing that most commands ask
	on, Nopass  bool
	skipPayload bool
	Passwords   []string    // sha256 in hex
	Selectors   []*Selector // the first is the user's own
}

// newPermissions are those of a new user: nothing.
func (s *Users) newPermissions() *Permissions {
	return &Permissions{Selectors: []*Selector{s.newSelector()}}
}

func (s *Users) newSelector() *Selector {
	n := &Selector{AllChannels: s.allChannelsAtFirst()}
	n.setAll(s.table, false)
	return n
}

// allowAll is the default user at first, without a password.
func (s *Users) allowAll() *Permissions {
	p, err := s.change(s.newPermissions(), []string{"on", "nopass", "allkeys", "allchannels", "allcommands"})
	if err != nil {
		panic(err)
	}
	return p
}

// change makes new permissions of old ones. The error is a *RuleError.
func (s *Users) change(old *Permissions, rules []string) (*Permissions, error) {
	p := *old
	p.Passwords = slices.Clone(old.Passwords)
	p.Selectors = slices.Clone(old.Selectors)
	p.Selectors[0] = old.Selectors[0].clone()
	for _, rule := range rules {
		if err := s.apply(&p, rule); err != nil {
			return nil, &RuleError{rule, err}
		}
	}
	p.All = slices.ContainsFunc(p.Selectors, (*Selector).all)
	return &p, nil
}

// A RuleError is a rule that can not be obeyed.
type RuleError struct {
	Rule   string
	Reason error
}

// Error is what ACL SETUSER says.
func (e *RuleError) Error() string {
	return "Error in ACL SETUSER modifier '" + e.Rule + "': " + e.Reason.Error()
}

func (s *Users) apply(p *Permissions, rule string) error {
	if rule == "" {
		return nil
	}
	switch strings.ToLower(rule) {
	case "on":
		p.on = true
	case "off":
		p.on = false
	case "skip-sanitize-payload":
		p.skipPayload = true
	case "sanitize-payload":
		p.skipPayload = false
	case "nopass":
		p.Nopass, p.Passwords = true, nil
	case "resetpass":
		p.Nopass, p.Passwords = false, nil
	case "clearselectors":
		p.Selectors = p.Selectors[:1:1]
	case "reset":
		*p = *s.newPermissions()
	default:
		switch {
		case strings.IndexByte("><#!", rule[0]) >= 0:
			return p.applyPassword(rule)
		case rule[0] == '(' && rule[len(rule)-1] == ')':
			return s.addSelector(p, rule[1:len(rule)-1])
		}
		return p.Selectors[0].apply(s.table, rule)
	}
	return nil
}

// applyPassword obeys >password, <password, #hash and !hash.
func (p *Permissions) applyPassword(rule string) error {
	hash := rule[1:]
	if rule[0] == '>' || rule[0] == '<' {
		hash = PasswordHash(rule[1:])
	} else if !isPasswordHash(hash) {
		return errRuleHash
	}
	i := slices.Index(p.Passwords, hash)
	if rule[0] == '>' || rule[0] == '#' {
		p.Nopass = false
		if i < 0 {
			p.Passwords = append(p.Passwords, hash)
		}
		return nil
	}
	if i < 0 {
		return errRulePassword
	}
	p.Passwords = slices.Delete(p.Passwords, i, i+1)
	return nil
}

// PasswordHash is what is kept of a password.
func PasswordHash(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}

func isPasswordHash(hash string) bool {
	return len(hash) == 2*sha256.Size && strings.Trim(hash, "0123456789abcdef") == ""
}

func (s *Users) addSelector(p *Permissions, text string) error {
	n := s.newSelector()
	rules, _ := words.Split(text) // Redis: quotes that do not balance make an empty selector
	for _, rule := range rules {
		if rule == "" {
			return errRuleSyntax
		}
		if err := n.apply(s.table, rule); err != nil {
			return err
		}
	}
	p.Selectors = append(p.Selectors, n)
	return nil
}

// accepts reports whether the password opens the user's door. It takes a time that tells
// nothing of where two passwords differ.
func (p *Permissions) accepts(password []byte) bool {
	if !p.on || p.Nopass {
		return p.on
	}
	given := []byte(PasswordHash(words.ViewString(password)))
	ok := 0
	for _, hash := range p.Passwords {
		ok |= subtle.ConstantTimeCompare(given, []byte(hash))
	}
	return ok == 1
}

// On says that the user may connect.
func (p *Permissions) On() bool { return p.on }

// Flags are the user's in ACL GETUSER.
func (p *Permissions) Flags() (words []string) {
	words = []string{"off"}
	if p.on {
		words[0] = "on"
	}
	if p.Nopass {
		words = append(words, "nopass")
	}
	if p.skipPayload {
		return append(words, "skip-sanitize-payload")
	}
	return append(words, "sanitize-payload")
}

// lead is the rules that lead to the permissions.
func (p *Permissions) lead() []string {
	rules := p.Flags()
	for _, hash := range p.Passwords {
		rules = append(rules, "#"+hash)
	}
	rules = append(rules, p.Selectors[0].lead()...)
	for _, s := range p.Selectors[1:] {
		rules = append(rules, s.inParentheses())
	}
	return rules
}

// describe is lead as ACL LIST shows it and an ACL file has it, where words end at blanks and quotes mean nothing.
func (p *Permissions) describe() string { return strings.Join(p.lead(), " ") }

// MergeSelectors joins rules in parentheses that came as several words; open is the word whose
// parenthesis is not closed.
func MergeSelectors(words []string) (rules []string, open string) {
	selector := ""
	for _, word := range words {
		switch {
		case strings.HasPrefix(word, "(") && !strings.HasSuffix(word, ")"):
			selector, open = word, word
		case open != "":
			selector += " " + word
			if strings.HasSuffix(word, ")") {
				rules, open = append(rules, selector), ""
			}
		default:
			rules = append(rules, word)
		}
	}
	return rules, open
}
