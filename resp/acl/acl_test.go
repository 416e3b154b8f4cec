package acl

import (
	"testing"

	"diskette/resp/command"
	"diskette/resp/internal/words"
)

// testTable is the commands on keys and a few more that the rules name here.
func testTable() *command.Table {
	return command.NewTable(append(command.Rows(),
		&command.Row{Name: "select", Arity: 2, Group: "connection"},
		&command.Row{Name: "replicaof", Arity: 3, Flags: command.Admin, Group: "server"},
		&command.Row{Name: "cluster", Arity: -2, Group: "cluster", Subs: []*command.Row{{Name: "info", Arity: 2}}},
		&command.Row{Name: "config", Arity: -2, Group: "server", Subs: []*command.Row{{Name: "get", Arity: -3, Flags: command.Admin}}},
		&command.Row{Name: "module", Arity: -2, Group: "server", Subs: []*command.Row{{Name: "list", Arity: 2, Flags: command.Admin}}}))
}

// ruled is a user with these rules, over a table of commands.
func ruled(t *testing.T, rules ...string) (*Users, *Permissions) {
	t.Helper()
	s := New(testTable(), func() bool { return false })
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
		if _, p := ruled(t, test.rules...); p.All != test.all {
			t.Errorf("%q: %v", test.rules, p.All)
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
		again, open := MergeSelectors(words)
		q, err := s.change(s.newPermissions(), again)
		if !ok || open != "" || err != nil {
			t.Errorf("%q: %s: %v", rules, text, err)
			continue
		}
		if q.describe() != text {
			t.Errorf("%q:\n%s\n%s", rules, text, q.describe())
		}
		s.table.Each(func(r *command.Row) {
			for i := range p.Selectors {
				if p.Selectors[i].allowsCommand(r) != q.Selectors[i].allowsCommand(r) {
					t.Errorf("%q: %s is another's", rules, r.Full)
				}
			}
		})
	}
}

func FuzzRules(f *testing.F) {
	for _, seed := range []string{"on >a +get ~a", "(+get ~a", "%R~a %~b % ~", "+config|get|x +| -| +@", "(()) ) (", "& &* ~* ~a", "#0 !0 < >"} {
		f.Add(seed)
	}
	s := New(testTable(), func() bool { return false })
	get := s.table.ByName["get"]
	f.Fuzz(func(t *testing.T, text string) {
		words, ok := words.Split(text)
		if !ok {
			return
		}
		rules, open := MergeSelectors(words)
		p, err := s.change(s.newPermissions(), rules)
		if open != "" || err != nil {
			return
		}
		p.describe()
		p.Check(get, [][]byte{[]byte("GET"), []byte(text)})
	})
}
