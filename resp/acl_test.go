package resp

import (
	"testing"
)

// ruled is a user with these rules, over the server's own table of commands.
func ruled(t *testing.T, rules ...string) (*users, *permissions) {
	t.Helper()
	s := newUsers(newCommands(), func() bool { return false })
	p, err := s.change(s.newPermissions(), rules)
	if err != nil {
		t.Fatal(err)
	}
	return s, p
}

func TestWhoeverMayDoEverythingIsAskedNothing(t *testing.T) {
	for _, test := range []struct {
		rules []string
		all   bool
	}{
		{[]string{"+@all", "~*", "&*"}, true},
		{[]string{"+@all", "~*"}, false},
		{[]string{"+@all", "~*", "&*", "-get", "+get"}, false},
		{[]string{"+get", "(+@all ~* &*)"}, true},
		{[]string{"+@all", "~*", "&*", "reset"}, false},
		{[]string{"+@all", "~*", "&*", "resetkeys"}, false},
	} {
		if _, p := ruled(t, test.rules...); p.all != test.all {
			t.Errorf("%q: %v", test.rules, p.all)
		}
	}
}

func TestAChangeLeavesTheOldPermissionsAsTheyWere(t *testing.T) {
	s, p := ruled(t, "on", ">a", "+get", "+select|1", "~a*", "&c", "(+set ~b)")
	before := p.describe()
	if _, err := s.change(p, []string{">b", "<a", "+set", "+select|2", "~x", "%R~y", "&z", "(+del ~c)", "-get", "resetchannels"}); err != nil {
		t.Fatal(err)
	}
	if after := p.describe(); after != before {
		t.Errorf("before: %s\nafter:  %s", before, after)
	}
}

// What ACL LIST shows leads to the same user again.
func TestADescriptionIsARecipe(t *testing.T) {
	for _, rules := range [][]string{
		{}, {"on", "nopass"}, {">a", ">b", "on"}, {"+@all", "-@dangerous", "+config|get"}, {"~a", "%R~b", "%W~c", "&d", "&e"},
		{"+select|1", "+select|x"}, {"allkeys", "allchannels", "allcommands"}, {"(+get ~a)", "(+@all %R~* &x)", "skip-sanitize-payload"},
		{"+@read", "-get", "+get", "-@string"}, {"-cluster", "+module|list", "-replicaof"},
	} {
		s, p := ruled(t, rules...)
		text := p.describe()
		words, ok := splitWords(text)
		again, open := mergeSelectors(words)
		q, err := s.change(s.newPermissions(), again)
		if !ok || open != "" || err != nil {
			t.Errorf("%q: %s: %v", rules, text, err)
			continue
		}
		if q.describe() != text {
			t.Errorf("%q:\n%s\n%s", rules, text, q.describe())
		}
		s.table.each(func(r *row) {
			for i := range p.selectors {
				if p.selectors[i].allowsCommand(r) != q.selectors[i].allowsCommand(r) {
					t.Errorf("%q: %s is another's", rules, r.full)
				}
			}
		})
	}
}

func FuzzRules(f *testing.F) {
	for _, seed := range []string{"on >a +get ~a", "(+get ~a", "%R~a %~b % ~", "+config|get|x +| -| +@", "(()) ) (", "& &* ~* ~a", "#0 !0 < >"} {
		f.Add(seed)
	}
	s := newUsers(newCommands(), func() bool { return false })
	get := s.table.byName["get"]
	f.Fuzz(func(t *testing.T, text string) {
		words, ok := splitWords(text)
		if !ok {
			return
		}
		rules, open := mergeSelectors(words)
		p, err := s.change(s.newPermissions(), rules)
		if open != "" || err != nil {
			return
		}
		p.describe()
		p.check(get, [][]byte{[]byte("GET"), []byte(text)})
	})
}

func BenchmarkPermitted(b *testing.B) {
	for name, rules := range map[string][]string{"everything": {"+@all", "~*", "&*"}, "some commands and keys": {"+@read", "+@write", "~app:*"}} {
		b.Run(name, func(b *testing.B) {
			s := newUsers(newCommands(), func() bool { return false })
			p, err := s.change(s.newPermissions(), rules)
			if err != nil {
				b.Fatal(err)
			}
			cl := &client{}
			u := &user{name: "u"}
			u.permissions.Store(p)
			cl.user.Store(u)
			args := [][]byte{[]byte("SET"), []byte("app:1"), []byte("v")}
			r := s.table.byName["set"]
			b.ReportAllocs()
			for b.Loop() {
				if !cl.mayAll() && cl.permitted(r, args, "toplevel").kind != kindNone {
					b.Fatal("denied")
				}
			}
		})
	}
}
