package resp

import (
	"slices"
	"strings"
	"testing"

	"diskette/resp/internal/words"
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
		words, ok := words.Split(text)
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
		words, ok := words.Split(text)
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

// comesBack writes users as an ACL file and as a conf file and reads both.
func comesBack(t *testing.T, s *users) {
	t.Helper()
	want := s.lines()
	fresh := newUsers(s.table, s.allChannelsAtFirst)
	if problems := fresh.read("users.acl", strings.Join(want, "\n")+"\n"); problems != "" {
		t.Fatalf("the ACL file %q: %s", want, problems)
	}
	if got := fresh.lines(); !slices.Equal(got, want) {
		t.Errorf("from the ACL file\n%q\nwant\n%q", got, want)
	}
	content, err := rewriteUsers("port 1\n", s.list(), "")
	if err != nil {
		t.Fatal(err)
	}
	l := newConfLoader(defaultSettings())
	if err := l.load("the conf file", content, 0); err != nil {
		t.Fatalf("the conf file: %v", err)
	}
	if got := l.acl.lines(); !slices.Equal(got, want) {
		t.Errorf("from the conf file\n%s\n%q\nwant\n%q", content, got, want)
	}
	if again, err := rewriteUsers(content, s.list(), ""); err != nil || again != content {
		t.Errorf("rewritten once more: %v\n%s", err, again)
	}
}

func TestUsersWithAnyPatternsComeBackFromFiles(t *testing.T) {
	for _, rules := range [][]string{
		{`~a"b`, `~a'b`, `&c"h`, "~\x01", "~a)", `~\`, "~", "&", `+get|a"b`}, {`(~"a\"b" +get)`, `(~'a\'b' &x)`}, {"(~a) +get)"}, {"(~( ~) &) +get|x))"},
		{`(~"\"" ~x)`}, {"()", "( )", "(~a ~)"}, {`(~a'b'c)`}, {"~\xff\xfe", "(~\x85 ~\xa0)"}, {"~#", "&#"}, {`(+get|a" )`},
	} {
		for _, name := range []string{"u", "", `n"ame`, "(x)", "#", "'", "\x01", defaultUser} {
			s, _ := ruled(t, rules...)
			if _, _, err := s.set(name, append([]string{"reset", "on", ">p"}, rules...)); err != nil {
				t.Fatal(err)
			}
			comesBack(t, s)
		}
	}
	s, _ := ruled(t)
	for _, rule := range []string{"+get|a b", "+get|a\nuser evil on nopass +@all ~*", "-cluster|a b", "+module|a\nb", "~a\nb", "&a b"} {
		if _, _, err := s.set("u", []string{rule}); err == nil || !strings.Contains(err.Error(), "Syntax error") {
			t.Errorf("%q: %v", rule, err)
		}
	}
}

func FuzzUsersComeBackFromFiles(f *testing.F) {
	f.Add("u", "~a\"b", "&c'", "(~x \"~y)\" +get)")
	f.Add("\x01", "%R~\\", "+get|)", "(~a'b )")
	f.Fuzz(func(t *testing.T, name, first, second, third string) {
		s := newUsers(newCommands(), func() bool { return false })
		rules := []string{first, second, third}
		if third != "" && third[0] != '(' {
			rules = append(rules, "("+third+")")
		}
		if hasSpace(name) {
			return
		}
		for _, rule := range rules { // what can be obeyed of them
			if merged, open := mergeSelectors([]string{rule}); open == "" {
				_, _, _ = s.set(name, merged)
			}
		}
		comesBack(t, s)
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
