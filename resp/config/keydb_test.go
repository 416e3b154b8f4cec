package config

import (
	"strings"
	"testing"
)

func TestKeyDBsOptionsAreAcceptedWithTheirReasonAndActiveReplicationIsRefused(t *testing.T) {
	table := dataTable()
	_, notices, err := Load([]string{"--server-threads", "2", "--active-replica", "no", "--server-thread-affinity", "true"}, table)
	if err != nil || len(notices) != 3 || notices[0].Option != "server-threads" || notices[0].Text == "" {
		t.Errorf("%v, %v", notices, err)
	}
	for _, option := range []string{"active-replica", "multi-master"} {
		if _, _, err := Load([]string{"--" + option, "yes"}, table); err == nil || !strings.Contains(err.Error(), "active replication") {
			t.Errorf("%s: %v", option, err)
		}
	}
}

func TestAnEmptyPasswordIsRemembered(t *testing.T) {
	table := dataTable()
	for _, test := range []struct {
		args             []string
		empty, protected bool
	}{
		{nil, false, false},
		{[]string{"--requirepass", ""}, true, false},
		{[]string{"--requirepass", "", "--requirepass", "x"}, false, true},
		{[]string{"--requirepass", "x"}, false, true},
		{[]string{"--user", "bob", "on", ">pw", "~*", "+@all"}, false, true},
	} {
		c, _, err := Load(test.args, table)
		if err != nil {
			t.Fatal(err)
		}
		if c.EmptyPassword != test.empty || c.Protected() != test.protected {
			t.Errorf("%q: empty %v, protected %v", test.args, c.EmptyPassword, c.Protected())
		}
	}
}

func TestAMovedDirectoryIsShownAndNotRewritten(t *testing.T) {
	table := dataTable()
	c, _, err := Load([]string{"--dir", "/data"}, table)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.MoveDir("/tmp"); err != nil {
		t.Fatal(err)
	}
	if got, kept := c.Text("dir"), c.kept()[mustParameter("dir")].text; got != "/tmp" || kept != "/data" {
		t.Errorf("%s, and the conf file would have %s", got, kept)
	}
}
