package admin

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// A large hash, set or sorted set is shown from its rows, a page at a time: nothing of it comes into memory.
func TestALargeCollectionIsShownWithoutBeingLoaded(t *testing.T) {
	s := start(t, t.TempDir(), "--requirepass", "secret", "--enable-debug-command", "yes")
	const n = mostWhole + 2*pageElems
	for _, kind := range []string{"hash", "set", "zset"} {
		args := map[string][]string{"hash": {"HSET", kind}, "set": {"SADD", kind}, "zset": {"ZADD", kind}}[kind]
		for i := range n {
			switch element := fmt.Sprintf("element-%d-", i); kind {
			case "hash":
				args = append(args, element, "value")
			case "set":
				args = append(args, element)
			case "zset":
				args = append(args, fmt.Sprint(n-i), element)
			}
		}
		s.do(args...)
	}
	c := s.logIn("default", "secret")
	element := regexp.MustCompile(`<tr><th scope="row" class="name">element-(\d+)-`)
	next := regexp.MustCompile(`rel="next" href="([^"]+)"`)
	shown := func(path string) (elements []string, on string) {
		t.Helper()
		status, body := s.get(c, path)
		if status != http.StatusOK {
			t.Fatalf("%s: %d\n%s", path, status, body)
		}
		if large := strings.Contains(body, "as the tables have them"); !large {
			t.Errorf("%s is not shown from the tables", path)
		}
		for _, found := range element.FindAllStringSubmatch(body, -1) {
			elements = append(elements, found[1])
		}
		if found := next.FindStringSubmatch(body); found != nil {
			on = strings.ReplaceAll(found[1], "&amp;", "&")
		}
		return elements, on
	}
	s.do("DEBUG", "RELOAD")
	s.do("CONFIG", "RESETSTAT")
	for _, kind := range []string{"hash", "set", "zset"} {
		path, seen := "/key?db=0&k="+keyID(kind), 0
		for range 3 {
			elements, on := shown(path)
			for _, e := range elements {
				if e != fmt.Sprint(seen) {
					t.Fatalf("%s: element %s comes as number %d", kind, e, seen)
				}
				seen++
			}
			path = on
		}
		if seen != 3*pageElems || path == "" {
			t.Errorf("%s: %d elements on three pages, and then %q", kind, seen, path)
		}
	}
	s.do("ACL", "SETUSER", "eyes", "on", ">look", "~*", "+@all", "-hscan")
	if status, body := s.get(s.logIn("eyes", "look"), "/key?db=0&k="+keyID("hash")); status != http.StatusOK ||
		!strings.Contains(body, "NOPERM") || element.MatchString(body) {
		t.Errorf("to a user without HSCAN: %d\n%s", status, body)
	}
	hot := s.do("INFO", "diskette").text
	var bytes int
	_, err := fmt.Sscanf(hot[strings.Index(hot, "hot_bytes:"):], "hot_bytes:%d", &bytes)
	if err != nil || bytes > 200_000 {
		t.Errorf("%d bytes are in memory, %v", bytes, err)
	}

	// Places of another kind: SCAN's cursor goes on as it began, and a row's place means nothing to a small collection.
	if status, body := s.get(c, "/key?db=0&at=100&k="+keyID("zset")); status != http.StatusOK ||
		!strings.Contains(body, fmt.Sprintf(`class="name">element-%d-`, n-101)) {
		t.Errorf("behind rank 100 of the sorted set: %d\n%s", status, body)
	}
	s.do("SADD", "small", "element-7-")
	for _, place := range []string{"r9", "r9-", "r9-9", "r-9-9", "rx-9"} {
		if status, body := s.get(c, "/key?db=0&at="+place+"&k="+keyID("small")); status != http.StatusOK ||
			!strings.Contains(body, "element-7-") {
			t.Errorf("behind row %s of a small set: %d\n%s", place, status, body)
		}
	}

	// A set that is made anew is another: who goes on where the old one was left begins with it.
	_, on := shown("/key?db=0&k=" + keyID("set"))
	s.do("DEL", "set")
	anew := []string{"SADD", "set"}
	for i := range n {
		anew = append(anew, fmt.Sprintf("anew-%d-", i))
	}
	s.do(anew...)
	for _, first := range []string{">anew-", ">anew-0-"} { // before it is written back, in any order, and after
		if status, body := s.get(c, on); status != http.StatusOK || element.MatchString(body) || !strings.Contains(body, first) {
			t.Errorf("where the old one was left there is no %s: %d\n%s", first, status, body)
		}
		s.do("DEBUG", "RELOAD")
	}
}
