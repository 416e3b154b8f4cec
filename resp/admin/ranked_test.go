package admin

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// awaitView asks for a view until it has something.
func (s *subject) awaitView(c *http.Client, path, want string) string {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		status, body := s.get(c, path)
		if status == http.StatusOK && strings.Contains(body, want) {
			return body
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: %d, without %q:\n%.3000s", path, status, want, body)
		}
	}
}

func TestKeysAreShownInTheirOrders(t *testing.T) {
	s := startWith(t, t.TempDir(), func(page *Server) { page.walk.again = walkLeast }, "--maxmemory-policy", "allkeys-lfu")
	s.do("SET", "small", "x")
	s.do("SET", "large", strings.Repeat("x", 100_000), "EX", "5000")
	s.do("SET", hostile, strings.Repeat("x", 50_000), "EX", "4000")
	s.do("SET", "soon", "x", "EX", "3000")
	for range 1000 {
		s.do("GET", "small")
	}
	c := s.logIn("", "")
	order := func(body string, names ...string) {
		t.Helper()
		at := 0
		for _, name := range names {
			found := strings.Index(body[at:], "k="+keyID(name)+`"`)
			if found < 0 {
				t.Fatalf("%q does not come in its place:\n%s", name, body)
			}
			at += found
		}
		if strings.Contains(body, "<script>document") {
			t.Error("a name has become a script")
		}
	}
	order(s.awaitView(c, "/keys/largest", keyID("small")), "large", hostile)
	order(s.awaitView(c, "/keys/used", keyID("large")), "small")
	order(s.awaitView(c, "/keys/expiring", keyID("large")), "soon", hostile, "large")
	s.do("CONFIG", "SET", "maxmemory-policy", "noeviction")
	if _, body := s.get(c, "/keys/used"); !strings.Contains(body, "it is noeviction") {
		t.Errorf("it does not say that uses are not counted:\n%s", body)
	}
}

func TestWhatExpiresNextGoesOnBehindAPage(t *testing.T) {
	s := start(t, t.TempDir())
	var commands [][]string
	for i := range 1500 {
		commands = append(commands, []string{"SET", fmt.Sprint("k", i), "x", "PXAT", fmt.Sprint(time.Now().Add(time.Hour).UnixMilli())})
	}
	if _, err := s.conn.pipeline(commands); err != nil {
		t.Fatal(err)
	}
	c := s.logIn("", "")
	next, row := regexp.MustCompile(`rel="next" href="([^"]+)"`), regexp.MustCompile(`href="/key\?db=0&amp;k=([^"]+)"`)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		seen, path, pages := map[string]bool{}, "/keys/expiring?db=0", 0
		for path != "" {
			status, body := s.get(c, path)
			if pages++; status != http.StatusOK || pages > 100 {
				t.Fatalf("page %d: %d\n%s", pages, status, body)
			}
			for _, m := range row.FindAllStringSubmatch(body, -1) {
				seen[m[1]] = true
			}
			path = ""
			if m := next.FindStringSubmatch(body); m != nil {
				path = strings.ReplaceAll(m[1], "&amp;", "&")
			}
		}
		if len(seen) == len(commands) && pages >= 15 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d keys on %d pages", len(seen), pages)
		}
	}
}

func TestOrdersAreForWhoMayReadAllNames(t *testing.T) {
	s := start(t, t.TempDir(), "--requirepass", "secret")
	s.do("ACL", "SETUSER", "ann", "on", ">word", "+@all", "-scan", "~*")
	c := s.logIn("ann", "word")
	for _, path := range []string{"/keys/largest", "/keys/used", "/keys/expiring"} {
		if status, body := s.get(c, path); status != http.StatusForbidden {
			t.Errorf("%s: %d %.300s", path, status, body)
		}
	}
}

// A walk asks some keys for their size, the next ones others, so that all have been asked after a few.
func TestEachWalkAsksOtherKeys(t *testing.T) {
	asked := map[string]int{}
	for round := range sampledKeys {
		w := newTally(0, sampledKeys)
		w.found.Round = round
		for i := range 10_000 {
			if name := fmt.Sprint("key:", i); w.asked(name) {
				asked[name]++
			}
		}
	}
	if len(asked) != 10_000 {
		t.Errorf("%d keys were asked", len(asked))
	}
	for name, n := range asked {
		if n != 1 {
			t.Fatalf("%s was asked %d times", name, n)
		}
	}
}
