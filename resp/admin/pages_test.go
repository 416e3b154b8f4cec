package admin

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"diskette/resp/check"
)

// logIn begins a session.
func (s *subject) logIn(user, password string) *http.Client {
	s.t.Helper()
	c := browser(s.t)
	status, body := s.post(c, "/login", url.Values{"user": {user}, "password": {password}})
	if status != http.StatusSeeOther {
		s.t.Fatalf("%s can not log in: %d %s", user, status, body)
	}
	return c
}

// logInSession begins a session without a browser.
func (s *subject) logInSession() *session {
	s.t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "127.0.0.1:50000"
	c, err := s.page.login(r, "", "")
	if err != nil {
		s.t.Fatal(err)
	}
	return s.page.sessions.begin("default", c)
}

func (s *subject) post(c *http.Client, path string, form url.Values, change ...func(*http.Request)) (int, string) {
	s.t.Helper()
	req, err := http.NewRequest("POST", s.at+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, fn := range change {
		fn(req)
	}
	return s.send(c, req)
}

var csrfField = regexp.MustCompile(`name="csrf" value="([0-9a-f]+)"`)

// csrf is what a form of the session has.
func (s *subject) csrf(c *http.Client) string {
	s.t.Helper()
	_, body := s.get(c, "/")
	found := csrfField.FindStringSubmatch(body)
	if found == nil {
		s.t.Fatalf("the page has no form:\n%s", body)
	}
	return found[1]
}

func TestNobodySeesAnythingWithoutASession(t *testing.T) {
	s := start(t, t.TempDir(), "--requirepass", "secret")
	s.do("SET", "a", "1")
	for _, path := range []string{"/", "/caches", "/keys", "/key?k=YQ", "/fill", "/slow", "/live", "/backup", "/samples?span=hour", "/download?k=YQ",
		"/live/monitor", "/backup/rdb", "/backup/db", "/backup/slice", "/keys/largest", "/keys/used", "/keys/expiring"} {
		if status, body := s.get(browser(t), path); status != http.StatusSeeOther {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	for _, path := range []string{"/logout", "/caches/clear", "/key/delete", "/key/expire", "/key/set", "/clients/kill"} {
		if status, body := s.post(browser(t), path, url.Values{"db": {"0"}, "k": {"YQ"}, "name": {"db0"}}); status != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if v := s.do("EXISTS", "a"); v.int() != 1 {
		t.Error("a is gone")
	}
}

func TestAChangeNeedsTheFormOfTheSession(t *testing.T) {
	s := start(t, t.TempDir(), "--requirepass", "secret")
	s.do("SET", "a", "1")
	c, other := s.logIn("default", "secret"), s.logIn("default", "secret")
	form := func(csrf string) url.Values { return url.Values{"db": {"0"}, "k": {"YQ"}, "csrf": {csrf}} }
	for name, csrf := range map[string]string{"none": "", "another session's": s.csrf(other), "a guess": strings.Repeat("0", 48)} {
		if status, body := s.post(c, "/key/delete", form(csrf)); status != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	good := s.csrf(c)
	for name, change := range map[string]func(*http.Request){
		"another site": func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"another port": func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") },
	} {
		if status, _ := s.post(c, "/key/delete", form(good), change); status != http.StatusForbidden {
			t.Errorf("from %s: %d", name, status)
		}
	}
	if status, _ := s.get(c, "/key/delete?db=0&k=YQ&csrf="+good); status != http.StatusMethodNotAllowed {
		t.Errorf("by GET: %d", status)
	}
	if v := s.do("EXISTS", "a"); v.int() != 1 {
		t.Fatal("a is gone")
	}
	if status, _ := s.post(c, "/key/delete", form(good)); status != http.StatusSeeOther {
		t.Errorf("the session's own form: %d", status)
	}
	if v := s.do("EXISTS", "a"); v.int() != 0 {
		t.Error("a is there still")
	}
}

func TestTheCookieIsTheBrowsersAlone(t *testing.T) {
	s := start(t, t.TempDir(), "--requirepass", "secret")
	r := httptest.NewRequest("POST", s.at+"/login", strings.NewReader("user=default&password=secret&to=//evil.example/"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Forwarded-Proto", "https")
	r.RemoteAddr = "127.0.0.1:50000"
	w := httptest.NewRecorder()
	s.page.http.Handler.ServeHTTP(w, r)
	res := w.Result()
	if to := res.Header.Get("Location"); to != "/" {
		t.Errorf("it leads to %q", to)
	}
	cookies := res.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies: %d %s", len(cookies), w.Code, w.Body)
	}
	if c := cookies[0]; !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || !c.Secure || len(c.Value) < 32 || c.Path != "/" || c.Domain != "" {
		t.Errorf("%+v", c)
	}
}

func TestASessionEndsWithItsConnectionOrItsUser(t *testing.T) {
	s := start(t, t.TempDir(), "--requirepass", "secret")
	s.do("ACL", "SETUSER", "ann", "on", ">word", "+@all", "~*", "&*")
	for name, end := range map[string]func(){
		"CLIENT KILL": func() { s.do("CLIENT", "KILL", "USER", "ann") },
		"ACL DELUSER": func() { s.do("ACL", "DELUSER", "ann") },
	} {
		s.do("ACL", "SETUSER", "ann", "on", ">word", "+@all", "~*", "&*")
		c := s.logIn("ann", "word")
		if status, _ := s.get(c, "/"); status != http.StatusOK {
			t.Fatalf("%s: %d before", name, status)
		}
		end()
		if status, _ := s.get(c, "/"); status != http.StatusSeeOther {
			t.Errorf("%s: %d after", name, status)
		}
	}
	c := s.logIn("default", "secret")
	csrf := s.csrf(c)
	if status, _ := s.post(c, "/logout", url.Values{"csrf": {csrf}}); status != http.StatusSeeOther {
		t.Errorf("logging out: %d", status)
	}
	if status, _ := s.get(c, "/caches"); status != http.StatusSeeOther {
		t.Errorf("after logging out: %d", status)
	}
}

// As by Redis's protected mode, be it that the password was taken away while the server ran.
func TestAnotherMachineIsTurnedAwayWhileThereIsNoPassword(t *testing.T) {
	s := start(t, t.TempDir())
	for _, path := range []string{"/login", "/metrics"} {
		r := httptest.NewRequest("GET", "http://10.0.0.1"+path, nil)
		if path == "/login" {
			r = httptest.NewRequest("POST", "http://10.0.0.1"+path, nil)
		}
		r.RemoteAddr = "203.0.113.5:50000"
		w := httptest.NewRecorder()
		s.page.http.Handler.ServeHTTP(w, r)
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "protected mode") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestOldSessionsMakeRoom(t *testing.T) {
	s := start(t, t.TempDir())
	first := s.logIn("", "")
	for range mostSessions {
		s.logIn("", "")
	}
	s.page.sessions.mu.Lock()
	n := len(s.page.sessions.byToken)
	s.page.sessions.mu.Unlock()
	if n != mostSessions {
		t.Errorf("%d sessions", n)
	}
	if status, _ := s.get(first, "/"); status != http.StatusSeeOther {
		t.Errorf("the oldest session: %d", status)
	}
}

func TestAUserSeesAndDoesWhatHisPermissionsSay(t *testing.T) {
	s := start(t, t.TempDir(), "--requirepass", "secret")
	s.do("MSET", "app:1", "mine", "other:1", "not yours")
	s.do("ACL", "SETUSER", "ann", "on", ">word", "resetchannels", "~app:*", "+@read", "+info", "+ping", "+select", "-keys", "-dbsize", "+client|no-touch")
	c := s.logIn("ann", "word")
	csrf := s.csrf(c)
	if status, body := s.get(c, "/key?k="+keyID("app:1")); status != http.StatusOK || !strings.Contains(body, ">mine<") {
		t.Errorf("what is hers: %d\n%s", status, body)
	}
	if status, body := s.get(c, "/key?k="+keyID("other:1")); status != http.StatusForbidden || strings.Contains(body, "not yours") || !strings.Contains(body, "NOPERM") {
		t.Errorf("what is not: %d\n%s", status, body)
	}
	for _, path := range []string{"/live/monitor", "/backup/rdb", "/download?k=" + keyID("other:1")} {
		if status, body := s.get(c, path); status != http.StatusForbidden {
			t.Errorf("%s: %d\n%s", path, status, body)
		}
	}
	if _, body := s.get(c, "/slow"); !strings.Contains(body, "NOPERM") || !strings.Contains(body, "Commands by their time") {
		t.Errorf("the slow view does not say what is left out, or has nothing:\n%s", body)
	}
	for path, form := range map[string]url.Values{
		"/key/delete":   {"k": {keyID("app:1")}},
		"/key/expire":   {"k": {keyID("app:1")}, "seconds": {"10"}},
		"/key/set":      {"k": {keyID("app:1")}, "value": {"x"}, "before": {digest("mine")}},
		"/caches/clear": {"name": {"db0"}},
		"/clients/kill": {"id": {"1"}},
	} {
		form.Set("csrf", csrf)
		if status, body := s.post(c, path, form); status != http.StatusForbidden {
			t.Errorf("%s: %d\n%s", path, status, body)
		}
	}
	if v := s.do("MGET", "app:1", "other:1"); v.elems[0].text != "mine" || v.elems[1].text != "not yours" || s.do("TTL", "app:1").int() != -1 {
		t.Errorf("something has changed: %v", v)
	}
	if status, _ := s.get(c, "/"); status != http.StatusOK {
		t.Errorf("the session is of no use any more: %d", status)
	}
}

func TestACacheIsClearedUnderItsNameAlone(t *testing.T) {
	s := start(t, t.TempDir())
	c := s.logIn("", "")
	s.do("SET", "a", "1")
	for name, want := range map[string]int{"": 400, "db1": 400, "DB0": 400, "0": 400} {
		if status, _ := s.post(c, "/caches/clear", url.Values{"csrf": {s.csrf(c)}, "db": {"0"}, "name": {name}}); status != want {
			t.Errorf("%q: %d", name, status)
		}
	}
	if s.do("DBSIZE").int() != 1 {
		t.Fatal("it was cleared")
	}
	if status, _ := s.post(c, "/caches/clear", url.Values{"csrf": {s.csrf(c)}, "db": {"0"}, "name": {"db0"}}); status != http.StatusSeeOther {
		t.Errorf("under its name: %d", status)
	}
	if s.do("DBSIZE").int() != 0 {
		t.Error("it was not cleared")
	}
}

func TestAValueIsChangedUnlessSomebodyElseHasChangedIt(t *testing.T) {
	s := start(t, t.TempDir())
	c := s.logIn("", "")
	s.do("SET", "a", "old", "EX", "1000")
	form := url.Values{"csrf": {s.csrf(c)}, "k": {keyID("a")}, "value": {"two\r\nlines"}, "before": {digest("older")}}
	if status, _ := s.post(c, "/key/set", form); status != http.StatusConflict {
		t.Errorf("changed meanwhile: %d", status)
	}
	form.Set("before", digest("old"))
	if status, body := s.post(c, "/key/set", form); status != http.StatusSeeOther {
		t.Errorf("unchanged meanwhile: %d\n%s", status, body)
	}
	if v := s.do("GET", "a"); v.text != "two\nlines" || s.do("TTL", "a").int() < 900 {
		t.Errorf("%q", v.text)
	}
	form.Set("value", strings.Repeat("x", mostEdit+1))
	if status, _ := s.post(c, "/key/set", form); status != http.StatusRequestEntityTooLarge {
		t.Errorf("too long: %d", status)
	}
}

func TestAValueIsNotChangedByWhoMayNotMakeSureThatItIsTheOneShown(t *testing.T) {
	s := start(t, t.TempDir(), "--requirepass", "secret")
	s.do("SET", "a", "old")
	for _, denied := range []string{"multi", "exec", "watch"} {
		s.do("ACL", "SETUSER", "ann", "reset", "on", ">word", "~*", "+@all", "-"+denied)
		c := s.logIn("ann", "word")
		form := url.Values{"csrf": {s.csrf(c)}, "k": {keyID("a")}, "value": {"new"}, "before": {digest("old")}}
		if status, body := s.post(c, "/key/set", form); status != http.StatusForbidden && status != http.StatusBadGateway {
			t.Errorf("without %s: %d\n%s", denied, status, body)
		}
		if v := s.do("GET", "a"); v.text != "old" {
			t.Errorf("without %s it was changed to %q", denied, v.text)
		}
		if status, _ := s.get(c, "/"); status != http.StatusOK {
			t.Errorf("without %s the session is of no use any more: %d", denied, status)
		}
	}
}

// A download lasts as long as the browser takes for it.
func TestADownloadKeepsNothingElseOfTheSessionWaiting(t *testing.T) {
	s := start(t, t.TempDir())
	c := s.logIn("", "")
	s.do("SETRANGE", "long", "30000000", "the end")
	res, err := c.Get(s.at + "/download?k=" + keyID("long"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	quick := *c
	quick.Timeout = answerTime / 2
	if other, err := quick.Get(s.at + "/"); err != nil {
		t.Error(err)
	} else {
		other.Body.Close()
	}
	if body, err := io.ReadAll(res.Body); err != nil || len(body) != 30000007 {
		t.Errorf("%d bytes, %v", len(body), err)
	}
}

func TestWhatThePageLooksAtIsNotUsed(t *testing.T) {
	s := start(t, t.TempDir())
	c := s.logIn("", "")
	s.do("SET", "a", "1")
	s.do("RESTORE", "a", "0", s.do("DUMP", "a").text, "REPLACE", "IDLETIME", "5000")
	for _, path := range []string{"/key?k=" + keyID("a"), "/download?k=" + keyID("a"), "/backup/slice"} {
		if status, body := s.get(c, path); status != http.StatusOK {
			t.Errorf("%s: %d\n%s", path, status, body)
		}
		if idle := s.do("OBJECT", "IDLETIME", "a").int(); idle < 5000 {
			t.Errorf("%s: unused for %d s", path, idle)
		}
	}
}

func TestASearchGoesOnBehindItsSlice(t *testing.T) {
	s := start(t, t.TempDir())
	c := s.logIn("", "")
	want := map[string]bool{}
	var commands [][]string
	for i := range 3000 {
		name := "a[*]:" + strings.Repeat("x", i%5) + string(rune('a'+i%26)) + keyID(string(rune('A'+i)))
		want[name] = true
		commands = append(commands, []string{"SET", name, "1"}, []string{"SET", "b" + name, "1"})
	}
	if _, err := s.conn.pipeline(commands); err != nil {
		t.Fatal(err)
	}
	path, pages := "/keys?q="+url.QueryEscape(`a\[\*\]`)+"*", 0
	next := regexp.MustCompile(`rel="next" href="([^"]+)"`)
	row := regexp.MustCompile(`href="/key\?db=0&amp;k=([^"]+)"`)
	for path != "" {
		if pages++; pages > 200 {
			t.Fatal("it has no end")
		}
		status, body := s.get(c, path)
		if status != http.StatusOK {
			t.Fatalf("%d\n%s", status, body)
		}
		found := row.FindAllStringSubmatch(body, -1)
		if len(found) > 2*mostScan {
			t.Errorf("%d keys on a page", len(found))
		}
		for _, f := range found {
			name, err := keyOf(f[1])
			if err != nil || !want[name] {
				t.Errorf("%q was found, or twice", name)
			}
			delete(want, name)
		}
		path = ""
		if m := next.FindStringSubmatch(body); m != nil {
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	if len(want) > 0 || pages < 3 {
		t.Errorf("%d were not found, on %d pages", len(want), pages)
	}
}

func TestALongValueIsCutAndItsDownloadIsWhole(t *testing.T) {
	s := start(t, t.TempDir())
	c := s.logIn("", "")
	s.do("SETRANGE", "long", "5000000", "the end\xff")
	status, body := s.get(c, "/key?k="+keyID("long"))
	if status != http.StatusOK || len(body) > 1<<20 || !strings.Contains(body, "first 64 KB") {
		t.Errorf("%d, %d bytes", status, len(body))
	}
	status, body = s.get(c, "/download?k="+keyID("long"))
	if status != http.StatusOK || len(body) != 5000008 || !strings.HasSuffix(body, "the end\xff") {
		t.Errorf("the download: %d, %d bytes", status, len(body))
	}
}

func TestTheDownloadedFileIsAnRDBFileOfEverything(t *testing.T) {
	s := start(t, t.TempDir())
	populate(s)
	c := s.logIn("", "")
	status, body := s.get(c, "/backup/rdb")
	if status != http.StatusOK || !strings.HasPrefix(body, "REDIS") {
		t.Fatalf("%d %.100q", status, body)
	}
	if keys := strings.Count(body, "session:"); keys != 3000 {
		t.Errorf("%d sessions are in it", keys)
	}
	file := filepath.Join(t.TempDir(), "dump.rdb")
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	if status := check.RDB([]string{file}, &said); status != 0 {
		t.Errorf("redis-check-rdb: %d %s", status, said.String())
	}
}

func TestASliceIsALineAKey(t *testing.T) {
	s := start(t, t.TempDir())
	populate(s)
	s.do("ZADD", "zset:2", "1", "a", "2", "b")
	s.do("SET", "big", strings.Repeat("x", 2<<20))
	s.do("SET", "\xffname", "text")
	c := s.logIn("", "")
	for _, db := range []string{"-1", "x", "99"} {
		if status, body := s.get(c, "/backup/slice?db="+db); status != http.StatusBadRequest || !strings.Contains(body, "there is no database "+db) {
			t.Errorf("database %s: %d %.200s", db, status, body)
		}
	}
	status, body := s.get(c, "/backup/slice?db=0&q=")
	if status != http.StatusOK {
		t.Fatalf("%d %.200s", status, body)
	}
	found := map[string]sliceLine{}
	lines := bufio.NewScanner(strings.NewReader(body))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line sliceLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Fatalf("%v: %.100s", err, lines.Text())
		}
		found[textOf(line.Key)] = line
	}
	if n := s.do("DBSIZE").int(); len(found) != int(n) {
		t.Errorf("%d lines of %d keys", len(found), n)
	}
	if l := found["session:7:token"]; l.Type != "string" || l.TTL < 7_000_000 || l.Value != strings.Repeat("t", 200) {
		t.Errorf("%+v", l)
	}
	if l := found["big"]; l.Left == "" || l.Value != nil {
		t.Errorf("%+v", l)
	}
	if l := found["zset:2"]; len(l.Value.([]any)) != 2 {
		t.Errorf("%+v", l)
	}
	l := found["list:1"] // its name is text, and so are all elements but one
	elements := l.Value.([]any)
	if l.Key != "list:1" || l.Type != "list" || len(elements) != 251 || elements[0] != "element 0" || textOf(elements[250]) != "base64:"+hostile {
		t.Errorf("%+v", l)
	}
	if l := found["base64:\xffname"]; l.Value != "text" {
		t.Errorf("%+v", l)
	}
}

// textOf is a text in a slice; one that is in base64 gets that before it.
func textOf(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	text, err := base64.StdEncoding.DecodeString(v.(map[string]any)["base64"].(string))
	if err != nil {
		return err.Error()
	}
	return "base64:" + string(text)
}

func TestThePlotsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	steps := func(page *Server) { page.history = newHistory(50*time.Millisecond, time.Second, time.Minute) }
	count := func(s *subject, span string) int {
		c := s.logIn("", "")
		status, body := s.get(c, "/samples?span="+span)
		var figures map[string][]float64
		if err := json.Unmarshal([]byte(body), &figures); err != nil || status != http.StatusOK {
			t.Fatalf("%d %s", status, body)
		}
		for name, all := range figures {
			if len(all) != len(figures["at"]) {
				t.Errorf("%s has %d figures, and there are %d times", name, len(all), len(figures["at"]))
			}
		}
		return len(figures["at"])
	}
	var before int
	t.Run("first", func(t *testing.T) {
		s := startWith(t, dir, steps)
		for deadline := time.Now().Add(time.Minute); before < 5; before = count(s, "hour") {
			s.do("SET", "a", "1")
			if time.Now().After(deadline) {
				t.Fatal("there are no samples")
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	t.Run("second", func(t *testing.T) {
		s := startWith(t, dir, steps)
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
			if count(s, "month") > 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("nothing was kept")
			}
		}
		if v := s.do("KEYS", "*"); len(v.elems) != 1 {
			t.Errorf("clients see %v", v)
		}
	})
}

func TestACoarserSampleIsTheMeanOfFinerOnes(t *testing.T) {
	r := &ring{name: "day", step: time.Minute, changed: map[int]bool{}}
	minute := int64(60_000)
	for i, v := range []float32{1, 2, 6} {
		s := sample{at: 100*minute + int64(i)*1000}
		s.figures[figOps], s.figures[figP99] = v, 10-v
		r.add(s)
	}
	next := sample{at: 101 * minute}
	next.figures[figOps] = 40
	r.add(next)
	all := r.recent(101*minute + 5)
	if len(all) != 2 || all[0].figures[figOps] != 3 || all[0].figures[figP99] != 9 || all[1].figures[figOps] != 40 {
		t.Errorf("%+v", all)
	}
	got, ok := decodeSample(string(all[0].encode()))
	if !ok || got != all[0] {
		t.Errorf("%+v came back as %+v", all[0], got)
	}
	if old := r.recent(101*minute + ringSamples*minute); len(old) != 0 {
		t.Errorf("what is a ring older is there still: %+v", old)
	}
}

func TestTheTreemapFillsItsRectangleAndNoTwoBoxesOverlap(t *testing.T) {
	for _, sizes := range [][]float64{{1}, {1, 1}, {6, 6, 4, 3, 2, 2, 1}, {1e9, 1, 1}, {5, 0, 0}} {
		var lines []fillLine
		sum := 0.0
		for _, n := range sizes {
			lines = append(lines, fillLine{Bytes: n})
			sum += n
		}
		area := 0.0
		boxes := treemap(lines, 100, 50)
		for i, b := range boxes {
			area += b.W * b.H
			if b.X < -1e-6 || b.Y < -1e-6 || b.X+b.W > 100+1e-6 || b.Y+b.H > 50+1e-6 {
				t.Errorf("%v: %+v is outside", sizes, b)
			}
			if want := b.Line.Bytes / sum * 5000; b.W*b.H < want*0.999 || b.W*b.H > want*1.001 {
				t.Errorf("%v: a box of %v, not %v", sizes, b.W*b.H, want)
			}
			for _, o := range boxes[:i] {
				if min(b.X+b.W, o.X+o.W)-max(b.X, o.X) > 1e-6 && min(b.Y+b.H, o.Y+o.H)-max(b.Y, o.Y) > 1e-6 {
					t.Errorf("%v: two boxes overlap", sizes)
				}
			}
		}
		if area < 4999 || area > 5001 {
			t.Errorf("%v: %v of 5000 is filled", sizes, area)
		}
	}
	if treemap(nil, 100, 50) != nil {
		t.Error("there is a box of nothing")
	}
}

func TestAWalkUnderWayIsShownOnceItHasSeenMoreThanTheLastWholeOne(t *testing.T) {
	under := newTally(3, 1)
	w := &walk{whole: map[int]*filled{3: {DB: 3, Keys: 2}}, under: under}
	for n := 1; n <= 3; n++ {
		under.add("a:"+strings.Repeat("x", n), 10)
		f, whole, soFar := w.of(3)
		if whole != (n < 3) || soFar != float64(n) || f.Keys != max(2, float64(n)) {
			t.Errorf("after %d keys: %+v, whole %v, %v so far", n, f, whole, soFar)
		}
	}
	if f, whole, soFar := w.of(0); f != nil || whole || soFar != 0 {
		t.Errorf("another database: %+v", f)
	}
}

func TestWhatIsVendoredHasItsLicence(t *testing.T) {
	text, err := os.ReadFile("static/uplot.LICENSE")
	if err != nil || !bytes.Contains(text, []byte("MIT")) {
		t.Errorf("%v", err)
	}
}

func FuzzShowBytes(f *testing.F) {
	f.Add(hostile)
	f.Add("\x7f\u0085\u2028\ufeff\u202e")
	f.Fuzz(func(t *testing.T, text string) {
		for _, form := range []string{formText, formHex, formJSON} {
			shown := inForm(text, form)
			if len(shown) > 100*len(text)+1000 {
				t.Errorf("%q in %s has %d bytes", text, form, len(shown))
			}
		}
		for _, r := range showBytes(text) {
			if r < 0x20 || r >= 0x7f && r < 0xa0 || r == 0x202e || r == 0x2028 {
				t.Errorf("%q is shown with %U", text, r)
			}
		}
		if name, err := keyOf(keyID(text)); err != nil || name != text {
			t.Errorf("%q came back as %q", text, name)
		}
	})
}

func FuzzReply(f *testing.F) {
	for _, seed := range []string{"+OK\r\n", "$5\r\nhello\r\n", "*2\r\n:1\r\n_\r\n", "%1\r\n+a\r\n,1.5\r\n", "*1000000000\r\n", "$-1\r\n", "$9999999999999\r\nx",
		"|1\r\n+a\r\n+b\r\n+c\r\n", strings.Repeat("*1\r\n", 100), "=7\r\ntxt:abc\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, bytes string) {
		c := &conn{r: bufio.NewReaderSize(strings.NewReader(bytes), 4096), net: quiet{}, budget: mostReply}
		for range 100 {
			if _, err := c.reply(); err != nil {
				return
			}
		}
	})
}

// FuzzRequests sends what no browser does to every address of the page.
func FuzzRequests(f *testing.F) {
	for _, path := range []string{"/keys", "/key", "/fill", "/samples", "/download", "/login", "/key/set", "/key/expire", "/key/delete", "/caches/clear",
		"/clients/kill", "/backup/slice", "/keys/largest", "/keys/used", "/keys/expiring", "/backup/db", "/static/style.css", "/debug/pprof/heap", "/slow", "/live"} {
		f.Add(path, "db=0&k=YQ&q=a*&at=1&form=hex&cursor=7&span=day&name=db0&seconds=5&value=x&before=y&to=//x")
	}
	f.Add("/key", "k=%00%ff&db=-1")
	f.Add("/keys", "cursor=-1&q=%5B%5B%5B%5C&as=tree")
	f.Add("/fill", "under=%ff%00<script>&level=2")
	f.Add("/keys/expiring", "at=-9223372036854775808&id=9223372036854775807&db=0")
	f.Add("/keys/expiring", "at=99999999999999999999&id=x&db=99")
	s := start(f, f.TempDir())
	s.do("SET", hostile, hostile)
	s.do("SET", hostile+":1", hostile)
	s.do("HSET", "a", hostile, hostile)
	s.do("XADD", "b", "*", hostile, hostile)
	session := s.logInSession()
	f.Fuzz(func(t *testing.T, path, query string) {
		s.t = t
		s.page.walk.mu.Lock() // as if a walk had ended
		w := newTally(0, 1)
		w.add(hostile+":"+query, 10)
		s.page.walk.whole = map[int]*filled{0: w.result()}
		s.page.walk.mu.Unlock()
		if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "/live/monitor") || strings.HasPrefix(path, "/debug") || path == "/logout" || path == "/clients/kill" {
			return
		}
		for _, method := range []string{"GET", "POST"} {
			r := httptest.NewRequest(method, "http://127.0.0.1/", strings.NewReader(query))
			r.URL.Path, r.URL.RawQuery = path, query
			if method == "POST" {
				r.URL.RawQuery = ""
				r.Body = http.NoBody
				form := "csrf=" + session.csrf + "&" + query
				r = httptest.NewRequest(method, "http://127.0.0.1/", strings.NewReader(form))
				r.URL.Path = path
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			r.RemoteAddr = "127.0.0.1:50000"
			r.AddCookie(&http.Cookie{Name: cookieName, Value: session.token})
			w := httptest.NewRecorder()
			s.page.http.Handler.ServeHTTP(w, r)
			if w.Code >= 500 && w.Code != http.StatusBadGateway {
				t.Errorf("%s %s?%s: %d %s", method, path, query, w.Code, w.Body)
			}
			body := w.Body.String()
			download := strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment;") // no browser shows it
			if !download && strings.Contains(body, "<script>document") {
				t.Errorf("%s %s?%s: a key's name has become a script", method, path, query)
			}
		}
		if s.page.sessions.of(&http.Request{Header: http.Header{"Cookie": {cookieName + "=" + session.token}}}) == nil {
			session = s.logInSession()
		}
	})
}
