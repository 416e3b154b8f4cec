package admin

import (
	"math"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestSharesOfTheTimeAreOfAllCommands(t *testing.T) {
	s := start(t, t.TempDir(), "--enable-debug-command", "yes", "--slowlog-log-slower-than", "-1")
	for range 2 { // none of them takes all the time
		s.do("DEBUG", "SLEEP", "0.02")
		s.do("EVAL", "local t = 0; for i = 1, 200000 do t = t + i end return t", "0")
	}
	_, body := s.get(s.logIn("", ""), "/slow")
	sum := 0.0
	for _, m := range regexp.MustCompile(`<meter [^>]*value="([0-9.]+)"`).FindAllStringSubmatch(body, -1) {
		share := parseFloat(m[1])
		if share >= 100 {
			t.Errorf("one command has %v %% of the time", share)
		}
		sum += share
	}
	if math.Abs(sum-100) > 2 { // each is rounded
		t.Errorf("all of them have %v %% of it", sum)
	}
	if !strings.Contains(body, "It has no entry") {
		t.Errorf("the empty slow log is not said to be empty:\n%s", body)
	}
}

func TestWhatAUserMayNotSeeIsNotCalledEmpty(t *testing.T) {
	s := start(t, t.TempDir(), "--requirepass", "secret")
	s.do("SET", "a", "1")
	s.do("ACL", "SETUSER", "ann", "on", ">word", "~*", "+ping", "+info", "+scan", "+select", "+type", "+pttl")
	c := s.logIn("ann", "word")
	for path, untrue := range map[string]string{"/slow": "It has no entry", "/live": "Nobody has subscribed", "/keys": "All 0 keys"} {
		status, body := s.get(c, path)
		if status != http.StatusOK || strings.Contains(body, untrue) || path != "/keys" && !strings.Contains(body, "may not see it: NOPERM") {
			t.Errorf("%s: %d\n%s", path, status, body)
		}
	}
}

func TestADeniedViewLeadsToThoseThatTheUserMaySee(t *testing.T) {
	s := start(t, t.TempDir(), "--requirepass", "secret")
	s.do("ACL", "SETUSER", "ann", "on", ">word", "~*", "+ping", "+scan", "+pubsub|channels")
	s.do("ACL", "SETUSER", "bob", "on", ">word", "+ping")
	status, body := s.get(s.logIn("ann", "word"), "/")
	_, main, _ := strings.Cut(body, "<main")
	for path, want := range map[string]bool{"/keys": true, "/live": true, "/": false, "/caches": false, "/slow": false, "/backup": false} {
		if strings.Contains(main, `href="`+path+`"`) != want {
			t.Errorf("the way to %s: want %v", path, want)
		}
	}
	if status != http.StatusForbidden || t.Failed() {
		t.Errorf("%d\n%s", status, body)
	}
	status, body = s.get(s.logIn("bob", "word"), "/")
	_, main, _ = strings.Cut(body, "<main")
	if status != http.StatusForbidden || !strings.Contains(main, "ACL SETUSER bob +info") || strings.Contains(main, "href=") {
		t.Errorf("%d\n%s", status, body)
	}
	log := s.do("ACL", "LOG")
	for _, entry := range log.elems {
		if object := entry.field("object").text; object != "info" && object != "client|no-touch" {
			t.Errorf("ACL LOG has %s, which was not asked for", object)
		}
	}
}
