package admin

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// cells are the texts of the row of a table that has name in its first cell.
func cells(body, name string) []string {
	for _, row := range regexp.MustCompile(`(?s)<tr>(.*?)</tr>`).FindAllStringSubmatch(body, -1) {
		var texts []string
		for _, cell := range regexp.MustCompile(`(?s)<t[hd][^>]*>(.*?)</t[hd]>`).FindAllStringSubmatch(row[1], -1) {
			texts = append(texts, regexp.MustCompile(`<[^>]*>`).ReplaceAllString(cell[1], ""))
		}
		if len(texts) > 0 && (texts[0] == name || strings.HasPrefix(texts[0], name+" ")) {
			return texts
		}
	}
	return nil
}

func TestWhatFillsACacheComesWithItsHits(t *testing.T) {
	s := start(t, t.TempDir(), "--requirepass", "secret")
	c := s.logIn("default", "secret")
	s.do("MSET", "user:1:name", strings.Repeat("x", 5000), "user:2:mail", "y", "item:1", "z", "plain", "p")
	for range 3 {
		s.do("GET", "user:1:name")
	}
	s.do("GET", "user:1:none")
	s.do("GET", "item:1")
	_, body := s.get(c, "/fill?db=0")
	for name, want := range map[string]string{"user:": "2 3 1 75.0 %", "item:": "1 1 0 100.0 %", "names without :": "1 0 0 –"} {
		got := cells(body, name)
		if len(got) != 8 || strings.Join([]string{got[3], got[5], got[6], got[7]}, " ") != want {
			t.Errorf("%s %q, want %s", name, got, want)
		}
	}
	if !strings.Contains(body, "; 3 hits, 75.0 % of look-ups</title>") || strings.Index(body, ">user:<") > strings.Index(body, ">item:<") {
		t.Errorf("the map, or the order:\n%s", body)
	}
	for range 9 {
		s.do("GET", "item:1")
	}
	_, body = s.get(c, "/fill?db=0&by=hits")
	if at := strings.Index(body, "<table>"); at < 0 || strings.Index(body[at:], ">item:<") > strings.Index(body[at:], ">user:<") ||
		!strings.Contains(body, `<option value="hits" selected>`) {
		t.Errorf("in the order of hits:\n%s", body)
	}
	if _, body := s.get(c, "/keys/used"); !strings.Contains(body, `href="/fill?db=0&amp;by=hits"`) {
		t.Errorf("the most used, while uses are not counted:\n%s", body)
	}
	_, body = s.get(c, "/fill?db=0&under=user:")
	if cells(body, "user:1:") == nil || cells(body, "user:2:") == nil || cells(body, "item:") != nil {
		t.Errorf("below user::\n%s", body)
	}
	_, body = s.get(c, "/caches")
	if got := cells(body, "db0"); len(got) < 7 || strings.Join(got[4:7], " ") != "13 1 92.9 %" {
		t.Errorf("db0 %q", got)
	}

	s.do("ACL", "SETUSER", "ann", "on", ">word", "~user:*", "+ping", "+select", "+cache")
	status, body := s.get(s.logIn("ann", "word"), "/fill")
	if status != http.StatusOK || cells(body, "user:") == nil || strings.Contains(body, "item:") {
		t.Errorf("who may read user: alone: %d\n%s", status, body)
	}
	s.do("ACL", "SETUSER", "bob", "on", ">word", "~*", "+ping", "+select", "+info")
	bob := s.logIn("bob", "word")
	if status, _ := s.get(bob, "/fill"); status != http.StatusForbidden {
		t.Errorf("without CACHE: %d", status)
	}
	if status, body := s.get(bob, "/caches"); status != http.StatusOK || !strings.Contains(body, "may not see hits and misses: NOPERM") {
		t.Errorf("caches without CACHE: %d\n%s", status, body)
	}
}
