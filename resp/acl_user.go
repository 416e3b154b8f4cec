package resp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strings"
	"sync/atomic"

	"diskette/resp/internal/words"
)

// defaultUser is the user of connections that have not said who they are. It is always there.
const defaultUser = "default"

// A user is a name that connections belong to. A change replaces its permissions, for all its connections at once.
type user struct {
	name        string
	permissions atomic.Pointer[permissions]
}

// permissions are all that is known of a user. They are never changed.
type permissions struct {
	all         bool // everything is allowed: the one thing that most commands ask
	on, nopass  bool
	skipPayload bool
	passwords   []string    // sha256 in hex
	selectors   []*selector // the first is the user's own
}

// newPermissions are those of a new user: nothing.
func (s *users) newPermissions() *permissions {
	return &permissions{selectors: []*selector{s.newSelector()}}
}

func (s *users) newSelector() *selector {
	n := &selector{allChannels: s.allChannelsAtFirst()}
	n.setAll(s.table, false)
	return n
}

// allowAll is the default user at first, without a password.
func (s *users) allowAll() *permissions {
	p, err := s.change(s.newPermissions(), []string{"on", "nopass", "allkeys", "allchannels", "allcommands"})
	if err != nil {
		panic(err)
	}
	return p
}

// change makes new permissions of old ones. The error is a *ruleError.
func (s *users) change(old *permissions, rules []string) (*permissions, error) {
	p := *old
	p.passwords = slices.Clone(old.passwords)
	p.selectors = slices.Clone(old.selectors)
	p.selectors[0] = old.selectors[0].clone()
	for _, rule := range rules {
		if err := s.apply(&p, rule); err != nil {
			return nil, &ruleError{rule, err}
		}
	}
	p.all = slices.ContainsFunc(p.selectors, (*selector).all)
	return &p, nil
}

// A ruleError is a rule that can not be obeyed.
type ruleError struct {
	rule   string
	reason error
}

func (e *ruleError) Error() string {
	return "Error in ACL SETUSER modifier '" + e.rule + "': " + e.reason.Error()
}

func (s *users) apply(p *permissions, rule string) error {
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
		p.nopass, p.passwords = true, nil
	case "resetpass":
		p.nopass, p.passwords = false, nil
	case "clearselectors":
		p.selectors = p.selectors[:1:1]
	case "reset":
		*p = *s.newPermissions()
	default:
		switch {
		case strings.IndexByte("><#!", rule[0]) >= 0:
			return p.applyPassword(rule)
		case rule[0] == '(' && rule[len(rule)-1] == ')':
			return s.addSelector(p, rule[1:len(rule)-1])
		}
		return p.selectors[0].apply(s.table, rule)
	}
	return nil
}

// applyPassword obeys >password, <password, #hash and !hash.
func (p *permissions) applyPassword(rule string) error {
	hash := rule[1:]
	if rule[0] == '>' || rule[0] == '<' {
		hash = passwordHash(rule[1:])
	} else if !isPasswordHash(hash) {
		return errRuleHash
	}
	i := slices.Index(p.passwords, hash)
	if rule[0] == '>' || rule[0] == '#' {
		p.nopass = false
		if i < 0 {
			p.passwords = append(p.passwords, hash)
		}
		return nil
	}
	if i < 0 {
		return errRulePassword
	}
	p.passwords = slices.Delete(p.passwords, i, i+1)
	return nil
}

func passwordHash(password string) string {
	sum := sha256.Sum256([]byte(password))
	return hex.EncodeToString(sum[:])
}

func isPasswordHash(hash string) bool {
	return len(hash) == 2*sha256.Size && strings.Trim(hash, "0123456789abcdef") == ""
}

func (s *users) addSelector(p *permissions, text string) error {
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
	p.selectors = append(p.selectors, n)
	return nil
}

// accepts reports whether the password opens the user's door. It takes a time that tells nothing of where two passwords differ.
func (p *permissions) accepts(password []byte) bool {
	if !p.on || p.nopass {
		return p.on
	}
	given := []byte(passwordHash(words.ViewString(password)))
	ok := 0
	for _, hash := range p.passwords {
		ok |= subtle.ConstantTimeCompare(given, []byte(hash))
	}
	return ok == 1
}

// flags are the user's in ACL GETUSER.
func (p *permissions) flags() (words []string) {
	words = []string{"off"}
	if p.on {
		words[0] = "on"
	}
	if p.nopass {
		words = append(words, "nopass")
	}
	if p.skipPayload {
		return append(words, "skip-sanitize-payload")
	}
	return append(words, "sanitize-payload")
}

// lead is the rules that lead to the permissions.
func (p *permissions) lead() []string {
	rules := p.flags()
	for _, hash := range p.passwords {
		rules = append(rules, "#"+hash)
	}
	rules = append(rules, p.selectors[0].lead()...)
	for _, s := range p.selectors[1:] {
		rules = append(rules, s.inParentheses())
	}
	return rules
}

// describe is lead as ACL LIST shows it and an ACL file has it, where words end at blanks and quotes mean nothing.
func (p *permissions) describe() string { return strings.Join(p.lead(), " ") }

// mergeSelectors joins rules in parentheses that came as several words; open is the word whose parenthesis is not closed.
func mergeSelectors(words []string) (rules []string, open string) {
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
