package resp

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"diskette/resp/internal/words"
)

// users is everybody who may connect, and what was denied to whom.
type users struct {
	table              *commands
	allChannelsAtFirst func() bool // acl-pubsub-default
	def                *user       // default; it stays the same one
	denials            denials

	changing sync.Mutex // held by those who change users, from reading the old permissions on
	mu       struct {
		sync.Mutex
		byName map[string]*user
	}
}

func newUsers(t *commands, allChannelsAtFirst func() bool) *users {
	s := &users{table: t, allChannelsAtFirst: allChannelsAtFirst, def: &user{name: defaultUser}}
	s.def.permissions.Store(s.allowAll())
	s.mu.byName = map[string]*user{defaultUser: s.def}
	return s
}

// A userLine is a user as conf files and ACL files declare one.
type userLine struct {
	name  string
	rules []string
}

// declare makes the user of a line, from nothing. Each name may be declared once, which is for the caller to see.
func (s *users) declare(line userLine) error {
	p, err := s.change(s.newPermissions(), line.rules)
	if err != nil {
		return err
	}
	u := s.def
	if line.name != defaultUser {
		u = &user{name: line.name}
	}
	u.permissions.Store(p)
	s.mu.Lock()
	s.mu.byName[line.name] = u
	s.mu.Unlock()
	return nil
}

// requirePass makes a password the default user's one, "" = it needs none.
func (s *users) requirePass(password string) {
	rules := []string{"resetpass", ">" + password}
	if password == "" {
		rules[1] = "nopass"
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	p, err := s.change(s.def.permissions.Load(), rules)
	if err != nil {
		panic(err)
	}
	s.def.permissions.Store(p)
}

// open says that connections need not say who they are.
func (s *users) open() bool {
	p := s.def.permissions.Load()
	return p.on && p.nopass
}

// find returns nil if there is no such user.
func (s *users) find(name string) *user {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.byName[name]
}

// list is all users in the order of their names.
func (s *users) list() (all []*user) {
	s.mu.Lock()
	for _, u := range s.mu.byName {
		all = append(all, u)
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b *user) int { return cmp.Compare(a.name, b.name) })
	return all
}

// lines declare all users as they are now.
func (s *users) lines() (lines []string) {
	for _, u := range s.list() {
		lines = append(lines, u.line())
	}
	return lines
}

// confLine declares the user in a conf file, where quotes mean something.
func (u *user) confLine() string {
	parts := append([]string{"user", u.name}, u.permissions.Load().lead()...)
	for i, word := range parts {
		if !words.ReadsAsItself(word) && !(strings.HasPrefix(word, "(") && !strings.ContainsAny(word, `"'`)) {
			parts[i] = words.Quote(word)
		}
	}
	return strings.Join(parts, " ")
}

// line declares the user in an ACL file.
func (u *user) line() string { return "user " + u.name + " " + u.permissions.Load().describe() }

// set changes a user, or makes one. old is nil of a new one.
func (s *users) set(name string, rules []string) (u *user, old *permissions, err error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if u = s.find(name); u != nil {
		old = u.permissions.Load()
	}
	from := old
	if from == nil {
		from = s.newPermissions()
	}
	p, err := s.change(from, rules)
	if err != nil {
		return nil, nil, err
	}
	if u == nil {
		u = &user{name: name}
	}
	u.permissions.Store(p)
	s.mu.Lock()
	s.mu.byName[name] = u
	s.mu.Unlock()
	return u, old, nil
}

// delete returns nil if there was no such user.
func (s *users) delete(name string) *user {
	s.changing.Lock()
	defer s.changing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.mu.byName[name]
	delete(s.mu.byName, name)
	return u
}

// authenticate makes a client's user the named one if the password is right; if not, it stays what it was.
func (s *users) authenticate(as *atomic.Pointer[user], name, password []byte) bool {
	u := s.find(string(name))
	if u == nil || !u.permissions.Load().accepts(password) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.byName[u.name] != u { // deleted meanwhile: who does that closes the user's connections next
		return false
	}
	as.Store(u)
	return true
}

// readUserLine reads a line of a conf file or an ACL file that is split already; word is the one that is wrong.
func readUserLine(name string, given []string) (line userLine, word string, err error) {
	rules, open := mergeSelectors(given)
	if open != "" {
		return line, open, errors.New("Unmatched parenthesis in selector definition.")
	}
	return userLine{name, rules}, "", nil
}

// load replaces all users by those of the ACL file, or none if anything is wrong in it. The old ones but default are
// returned: their connections are to be closed.
func (s *users) load(file string) (old []*user, err error) {
	content, err := os.ReadFile(file)
	if err != nil {
		var inner *fs.PathError
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return nil, fmt.Errorf("Error loading ACLs, opening file '%s': %w", file, err)
	}
	fresh := newUsers(s.table, s.allChannelsAtFirst)
	if problems := fresh.read(file, string(content)); problems != "" {
		return nil, errors.New(problems + "WARNING: ACL errors detected, no change to the previously active ACL rules was performed")
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, u := range s.mu.byName {
		if name != defaultUser {
			old = append(old, u)
		}
	}
	s.def.permissions.Store(fresh.def.permissions.Load())
	s.mu.byName = fresh.mu.byName
	s.mu.byName[defaultUser] = s.def
	return old, nil
}

// read declares the users of an ACL file and returns all that is wrong with it, in Redis's words.
func (s *users) read(file, content string) string {
	var problems strings.Builder
	declared := map[string]bool{}
	number := 0
	for line := range strings.Lines(content) {
		number++
		parts := strings.Split(words.TrimLine(line), " ")
		switch {
		case parts[0] == "":
			continue
		case parts[0] != "user" || len(parts) < 2:
			fmt.Fprintf(&problems, "%s:%d should start with user keyword followed by the username. ", file, number)
			continue
		case hasSpace(parts[1]):
			fmt.Fprintf(&problems, "'%s:%d: username '%s' contains invalid characters. ", file, number, parts[1])
			continue
		case declared[parts[1]]:
			fmt.Fprintf(&problems, "WARNING: Duplicate user '%s' found on line %d. ", parts[1], number)
			continue
		}
		declared[parts[1]] = true
		for i := range parts {
			parts[i] = strings.Trim(parts[i], "\t\r\n")
		}
		user, _, err := readUserLine(parts[1], parts[2:])
		if err == nil {
			err = s.declare(user)
		}
		var rule *ruleError
		switch {
		case errors.As(err, &rule):
			fmt.Fprintf(&problems, "%s:%d: %v. ", file, number, rule.reason)
		case err != nil:
			fmt.Fprintf(&problems, "%s:%d: %v ", file, number, err)
		}
	}
	return problems.String()
}

// save writes all users into the ACL file.
func (s *users) save(file string) error {
	return replaceFile(file, strings.Join(s.lines(), "\n")+"\n")
}
