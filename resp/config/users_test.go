package config

import (
	"slices"
	"strings"
	"testing"

	"diskette/resp/acl"
)

// comesBack writes users as an ACL file and as a conf file and reads both.
func comesBack(t *testing.T, s *acl.Users) {
	t.Helper()
	want := s.Lines()
	fresh := acl.New(dataTable(), func() bool { return false })
	if problems := fresh.Read("users.acl", strings.Join(want, "\n")+"\n"); problems != "" {
		t.Fatalf("the ACL file %q: %s", want, problems)
	}
	if got := fresh.Lines(); !slices.Equal(got, want) {
		t.Errorf("from the ACL file\n%q\nwant\n%q", got, want)
	}
	content, err := (&Config{table: dataTable()}).rewriteUsers("port 1\n", s.List(), "")
	if err != nil {
		t.Fatal(err)
	}
	l := newConfLoader(defaultSettings(), dataTable())
	if err := l.load("the conf file", content, 0); err != nil {
		t.Fatalf("the conf file: %v", err)
	}
	if got := l.acl.Lines(); !slices.Equal(got, want) {
		t.Errorf("from the conf file\n%s\n%q\nwant\n%q", content, got, want)
	}
	if again, err := (&Config{table: dataTable()}).rewriteUsers(content, s.List(), ""); err != nil || again != content {
		t.Errorf("rewritten once more: %v\n%s", err, again)
	}
}

func TestUsersWithAnyPatternsComeBackFromFiles(t *testing.T) {
	for _, rules := range [][]string{
		{`~a"b`, `~a'b`, `&c"h`, "~\x01", "~a)", `~\`, "~", "&", `+get|a"b`}, {`(~"a\"b" +get)`, `(~'a\'b' &x)`}, {"(~a) +get)"}, {"(~( ~) &) +get|x))"},
		{`(~"\"" ~x)`}, {"()", "( )", "(~a ~)"}, {`(~a'b'c)`}, {"~\xff\xfe", "(~\x85 ~\xa0)"}, {"~#", "&#"}, {`(+get|a" )`},
	} {
		for _, name := range []string{"u", "", `n"ame`, "(x)", "#", "'", "\x01", acl.DefaultUser} {
			s := acl.New(dataTable(), func() bool { return false })
			if _, _, err := s.Set(name, append([]string{"reset", "on", ">p"}, rules...)); err != nil {
				t.Fatal(err)
			}
			comesBack(t, s)
		}
	}
	s := acl.New(dataTable(), func() bool { return false })
	for _, rule := range []string{"+get|a b", "+get|a\nuser evil on nopass +@all ~*", "-cluster|a b", "+module|a\nb", "~a\nb", "&a b"} {
		if _, _, err := s.Set("u", []string{rule}); err == nil || !strings.Contains(err.Error(), "Syntax error") {
			t.Errorf("%q: %v", rule, err)
		}
	}
}

func FuzzUsersComeBackFromFiles(f *testing.F) {
	f.Add("u", "~a\"b", "&c'", "(~x \"~y)\" +get)")
	f.Add("\x01", "%R~\\", "+get|)", "(~a'b )")
	f.Fuzz(func(t *testing.T, name, first, second, third string) {
		s := acl.New(dataTable(), func() bool { return false })
		rules := []string{first, second, third}
		if third != "" && third[0] != '(' {
			rules = append(rules, "("+third+")")
		}
		if acl.HasSpace(name) {
			return
		}
		for _, rule := range rules { // what can be obeyed of them
			if merged, open := acl.MergeSelectors([]string{rule}); open == "" {
				_, _, _ = s.Set(name, merged)
			}
		}
		comesBack(t, s)
	})
}
