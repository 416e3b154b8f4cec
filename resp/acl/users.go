package acl

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

	"diskette/resp/command"
	"diskette/resp/internal/files"
	"diskette/resp/internal/words"
)

// Users is everybody who may connect, and what was denied to whom.
type Users struct {
	table              *command.Table
	allChannelsAtFirst func() bool // acl-pubsub-default
	Def                *User       // default; it stays the same one
	Denials            Denials

	changing sync.Mutex // held by those who change users, from reading the old permissions on
	mu       struct {
		sync.Mutex
		byName map[string]*User
	}
}

// New is the default user alone, who may do everything without a password.
func New(t *command.Table, allChannelsAtFirst func() bool) *Users {
	s := &Users{table: t, allChannelsAtFirst: allChannelsAtFirst, Def: &User{Name: DefaultUser}}
	s.Def.Permissions.Store(s.allowAll())
	s.mu.byName = map[string]*User{DefaultUser: s.Def}
	return s
}

// A UserLine is a user as conf files and ACL files declare one.
type UserLine struct {
	Name  string
	rules []string
}

// Declare makes the user of a line, from nothing. Each name may be declared once, which is for the caller to see.
func (s *Users) Declare(line UserLine) error {
	p, err := s.change(s.newPermissions(), line.rules)
	if err != nil {
		return err
	}
	u := s.Def
	if line.Name != DefaultUser {
		u = &User{Name: line.Name}
	}
	u.Permissions.Store(p)
	s.mu.Lock()
	s.mu.byName[line.Name] = u
	s.mu.Unlock()
	return nil
}

// RequirePass makes a password the default user's one, "" = it needs none.
func (s *Users) RequirePass(password string) {
	rules := []string{"resetpass", ">" + password}
	if password == "" {
		rules[1] = "nopass"
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	p, err := s.change(s.Def.Permissions.Load(), rules)
	if err != nil {
		panic(err)
	}
	s.Def.Permissions.Store(p)
}

// Open says that connections need not say who they are.
func (s *Users) Open() bool {
	p := s.Def.Permissions.Load()
	return p.on && p.Nopass
}

// Find returns nil if there is no such user.
func (s *Users) Find(name string) *User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.byName[name]
}

// List is all users in the order of their names.
func (s *Users) List() (all []*User) {
	s.mu.Lock()
	for _, u := range s.mu.byName {
		all = append(all, u)
	}
	s.mu.Unlock()
	slices.SortFunc(all, func(a, b *User) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Lines declare all users as they are now.
func (s *Users) Lines() (lines []string) {
	for _, u := range s.List() {
		lines = append(lines, u.Line())
	}
	return lines
}

// ConfLine declares the user in a conf file, where quotes mean something.
func (u *User) ConfLine() string {
	parts := append([]string{"user", u.Name}, u.Permissions.Load().lead()...)
	for i, word := range parts {
		if !words.ReadsAsItself(word) && !(strings.HasPrefix(word, "(") && !strings.ContainsAny(word, `"'`)) {
			parts[i] = words.Quote(word)
		}
	}
	return strings.Join(parts, " ")
}

// Line declares the user in an ACL file.
func (u *User) Line() string { return "user " + u.Name + " " + u.Permissions.Load().describe() }

// Set changes a user, or makes one. old is nil of a new one.
func (s *Users) Set(name string, rules []string) (u *User, old *Permissions, err error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	if u = s.Find(name); u != nil {
		old = u.Permissions.Load()
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
		u = &User{Name: name}
	}
	u.Permissions.Store(p)
	s.mu.Lock()
	s.mu.byName[name] = u
	s.mu.Unlock()
	return u, old, nil
}

// Delete returns nil if there was no such user.
func (s *Users) Delete(name string) *User {
	s.changing.Lock()
	defer s.changing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.mu.byName[name]
	delete(s.mu.byName, name)
	return u
}

// Authenticate makes a client's user the named one if the password is right; if not, it stays what it was.
func (s *Users) Authenticate(as *atomic.Pointer[User], name, password []byte) bool {
	u := s.Find(string(name))
	if u == nil || !u.Permissions.Load().accepts(password) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.byName[u.Name] != u { // deleted meanwhile: who does that closes the user's connections next
		return false
	}
	as.Store(u)
	return true
}

// ReadUserLine reads a line of a conf file or an ACL file that is split already; word is the one that is wrong.
func ReadUserLine(name string, given []string) (line UserLine, word string, err error) {
	rules, open := MergeSelectors(given)
	if open != "" {
		return line, open, errors.New("Unmatched parenthesis in selector definition.")
	}
	return UserLine{name, rules}, "", nil
}

// Load replaces all users by those of the ACL file, or none if anything is wrong in it. The old ones but default are
// returned: their connections are to be closed.
func (s *Users) Load(file string) (old []*User, err error) {
	content, err := os.ReadFile(file)
	if err != nil {
		var inner *fs.PathError
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return nil, fmt.Errorf("Error loading ACLs, opening file '%s': %w", file, err)
	}
	fresh := New(s.table, s.allChannelsAtFirst)
	if problems := fresh.Read(file, string(content)); problems != "" {
		return nil, errors.New(problems +
			"WARNING: ACL errors detected, no change to the previously active ACL rules was performed")
	}
	s.changing.Lock()
	defer s.changing.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, u := range s.mu.byName {
		if name != DefaultUser {
			old = append(old, u)
		}
	}
	s.Def.Permissions.Store(fresh.Def.Permissions.Load())
	s.mu.byName = fresh.mu.byName
	s.mu.byName[DefaultUser] = s.Def
	return old, nil
}

// Read declares the users of an ACL file and returns all that is wrong with it, in Redis's words.
func (s *Users) Read(file, content string) string {
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
		case HasSpace(parts[1]):
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
		user, _, err := ReadUserLine(parts[1], parts[2:])
		if err == nil {
			err = s.Declare(user)
		}
		var rule *RuleError
		switch {
		case errors.As(err, &rule):
			fmt.Fprintf(&problems, "%s:%d: %v. ", file, number, rule.Reason)
		case err != nil:
			fmt.Fprintf(&problems, "%s:%d: %v ", file, number, err)
		}
	}
	return problems.String()
}

// Save writes all users into the ACL file.
func (s *Users) Save(file string) error {
	return files.Replace(file, strings.Join(s.Lines(), "\n")+"\n")
}
