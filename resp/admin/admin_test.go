package admin

import (
	"context"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"diskette/resp"
	"diskette/store"
)

var liveFlag = flag.Bool("live", os.Getenv("DISKETTE_LIVE") == "1", "compare with redis_exporter, and look with a browser")

// a subject is a server with its page.
type subject struct {
	t      testing.TB
	server *resp.Server
	page   *Server
	at     string // http://127.0.0.1:port
	redis  string // host:port
	conn   *conn  // a client's, the default user
}

// start begins a server and its page in a directory.
func start(t testing.TB, dir string, args ...string) *subject {
	t.Helper()
	return startWith(t, dir, func(*Server) {}, args...)
}

// startWith is start for a page that is changed before it serves.
func startWith(t testing.TB, dir string, change func(*Server), args ...string) *subject {
	t.Helper()
	cfg, _, err := resp.LoadConfig(append([]string{"--dir", dir}, args...))
	if err != nil {
		t.Fatal(err)
	}
	server := resp.NewServer(cfg, zerolog.Nop(), func(resp.Shutdown) {})
	st, err := store.Open(store.Options{Dir: dir, Databases: cfg.Databases, MaxMemory: 64 << 20, Hooks: server.Hooks()})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.LoadTLS(); err != nil {
		t.Fatal(err)
	}
	server.Start(st)
	listen := func() net.Listener {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return ln
	}
	forClients, forPage := listen(), listen()
	go server.Serve(forClients)
	page := New(Backend{Connect: server.Connect, ConnectAs: server.ConnectAs, ConnectOwn: server.ConnectOwn,
		NeedsPassword: server.NeedsPassword, Ready: server.Ready, Keep: server.Keep, Kept: server.Kept,
		NoteBackup: func(kind string, at time.Time, bytes int64) {
			server.NoteBackup(store.LastBackup{Time: at, Kind: kind, By: "page", Bytes: bytes})
		},
		Copy: func(ctx context.Context) (File, error) {
			c, err := server.CopyDatabase(ctx)
			if err != nil {
				return nil, err
			}
			return c, nil
		},
		TLS: server.AdminTLS(), Expiring: server.ExpiringNext,
		Elements: func(db int, key string, behind Place, most int) ([]Element, Place, bool, error) {
			found, next, there, err := server.Elements(db, key, store.LeafPlace(behind), most)
			elements := make([]Element, len(found))
			for i, e := range found {
				elements[i] = Element(e)
			}
			return elements, Place(next), there, err
		},
		Holds: func(ctx context.Context) (holds []Holds, err error) {
			watched, err := server.WatchHolds(ctx)
			for _, h := range watched {
				holds = append(holds, Holds(h))
			}
			return holds, err
		},
		Log: func(what string, err error) { t.Log(what, err) }})
	change(page)
	go page.Serve(forPage)
	scheme := "http://"
	if server.AdminTLS() != nil {
		scheme = "https://"
	}
	s := &subject{t: t, server: server, page: page, at: scheme + forPage.Addr().String(), redis: forClients.Addr().String()}
	nc, err := net.Dial("tcp", s.redis)
	if err != nil {
		t.Fatal(err)
	}
	s.conn = newConn(nc)
	if server.NeedsPassword() {
		s.do("AUTH", cfg.Text("requirepass"))
	}
	t.Cleanup(func() {
		s.conn.close()
		page.Stop()
		server.Stop(0)
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// do runs a command that must not fail.
func (s *subject) do(args ...string) *value {
	s.t.Helper()
	v, err := s.conn.do(args...)
	if err != nil {
		s.t.Fatalf("%q: %v", args, err)
	}
	return &v
}

// browser keeps cookies and follows no redirection.
func browser(t testing.TB) *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// get asks for a path and returns status and body. change may alter the request.
func (s *subject) get(c *http.Client, path string, change ...func(*http.Request)) (int, string) {
	s.t.Helper()
	req, err := http.NewRequest("GET", s.at+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, fn := range change {
		fn(req)
	}
	return s.send(c, req)
}

func (s *subject) send(c *http.Client, req *http.Request) (int, string) {
	s.t.Helper()
	if c == nil {
		c = http.DefaultClient
	}
	res, err := c.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func as(user, password string) func(*http.Request) {
	return func(r *http.Request) { r.SetBasicAuth(user, password) }
}

func TestHealthNeedsNoPassword(t *testing.T) {
	s := start(t, t.TempDir(), "--requirepass", "secret")
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := s.get(nil, path); status != 200 || body != "ok\n" {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
}

func TestMetricsAskForAPasswordWhereRedisDoes(t *testing.T) {
	s := start(t, t.TempDir(), "--requirepass", "secret")
	s.do("ACL", "SETUSER", "eyes", "on", ">look", "+info", "+ping", "+hello")
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		status int
		line   string
	}{
		{"nobody", func(*http.Request) {}, 401, ""},
		{"a wrong password", as("default", "wrong"), 401, ""},
		{"nobody by that name", as("nobody", "secret"), 401, ""},
		{"the default user", as("default", "secret"), 200, "redis_up 1"},
		{"a user by name alone who may not ask for more", as("eyes", "look"), 200, "redis_connected_clients "},
		{"no user name", as("", "secret"), 200, "redis_up 1"},
	} {
		status, body := s.get(nil, "/metrics", c.change)
		if status != c.status || !strings.Contains("\n"+body, "\n"+c.line) {
			t.Errorf("%s: %d\n%s", c.name, status, body)
		}
	}
	s.do("ACL", "SETUSER", "blind", "on", ">look", "+ping")
	if status, body := s.get(nil, "/metrics", as("blind", "look")); status != 403 || !strings.Contains(body, "NOPERM") || strings.Contains(body, "redis_up") {
		t.Errorf("without INFO: %d\n%s", status, body)
	}
}

func TestWithoutAPasswordAnotherSitesNameLeadsNowhere(t *testing.T) {
	s := start(t, t.TempDir())
	for host, want := range map[string]int{"evil.example": 421, "127.0.0.1.evil.example:80": 421, "localhost": 200,
		"localhost:8379": 200, "[::1]:8379": 200, "10.0.0.1": 200} {
		if status, _ := s.get(nil, "/metrics", func(r *http.Request) { r.Host = host }); status != want {
			t.Errorf("Host: %s: %d, want %d", host, status, want)
		}
	}
}

func TestOnlyWhoMayDebugSeesTheProcessesInside(t *testing.T) {
	s := start(t, t.TempDir(), "--requirepass", "secret")
	s.do("ACL", "SETUSER", "eyes", "on", ">look", "+@all", "-debug")
	for _, c := range []struct {
		path   string
		change func(*http.Request)
		status int
	}{
		{"/debug/pprof/", as("default", "secret"), 200},
		{"/debug/pprof/heap", as("default", "secret"), 200},
		{"/debug/pprof/profile?seconds=3600", as("default", "secret"), 400},
		{"/debug/pprof/profile?seconds=1", as("default", "secret"), 200},
		{"/debug/pprof/trace?seconds=1", as("default", "secret"), 200},
		{"/debug/pprof/goroutine?debug=1", as("default", "secret"), 200},
		{"/debug/pprof/holds?seconds=1", as("default", "secret"), 200},
		{"/debug/pprof/holds", as("eyes", "look"), 403},
		{"/debug/pprof/heap", as("eyes", "look"), 403},
		{"/debug/pprof/heap", func(*http.Request) {}, 401},
		{"/debug/pprof/cmdline", as("default", "secret"), 404}, // there may be a password in it
	} {
		if status, _ := s.get(nil, c.path, c.change); status != c.status {
			t.Errorf("%s: %d, want %d", c.path, status, c.status)
		}
	}
}

func TestTheLongestHoldsOfTheLockAreToldWithWhoHadThem(t *testing.T) {
	s := start(t, t.TempDir())
	told := make(chan string)
	go func() {
		_, body := s.get(nil, "/debug/pprof/holds?seconds=1")
		told <- body
	}()
	for {
		s.do("SET", "a", "1")
		select {
		case body := <-told:
			if !regexp.MustCompile(`(?m)^\d+ \d+ \d+ \d+ resp\.\(\*hold\)\.release < .*resp\.\(\*client\)\.run`).MatchString(body) {
				t.Errorf("no hold of a command's is told:\n%s", body)
			}
			return
		default:
		}
	}
}

func TestEveryAnswerForbidsWhatThePageDoesNotNeed(t *testing.T) {
	s := start(t, t.TempDir(), "--requirepass", "secret")
	for _, path := range []string{"/", "/healthz", "/metrics", "/nothing", "/login"} {
		res, err := http.Get(s.at + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		for name, value := range headers {
			if got := res.Header.Get(name); got != value {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
	}
}

func TestTooMuchIsRefusedBeforeItIsRead(t *testing.T) {
	s := start(t, t.TempDir())
	req, err := http.NewRequest("GET", s.at+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X", strings.Repeat("x", 1<<20))
	res, err := http.DefaultClient.Do(req) // the connection may be closed before it is sent
	if err == nil {
		res.Body.Close()
		if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("a header of 1 MB: %s", res.Status)
		}
	}
}

// quiet is a connection of which only the reader is used.
type quiet struct{ net.Conn }

func (quiet) SetDeadline(time.Time) error { return nil }
func (quiet) Close() error                { return nil }

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(5 * time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within five minutes: %s", what)
		}
	}
}

// Who ends the server waits for the page, and a service manager does not wait for long.
func TestThePageEndsWhateverTheServerIsBusyWith(t *testing.T) {
	for _, c := range []struct {
		name        string
		begin, over []string
		busy        string // what begins the answer to PING meanwhile, "" = there is none
	}{
		{"a script", []string{"EVAL", "while true do end", "0"}, []string{"SCRIPT", "KILL"}, "BUSY"},
		{"paused clients", []string{"CLIENT", "PAUSE", "6000000", "ALL"}, nil, ""}, // the server ends the pause
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, t.TempDir(), "--busy-reply-threshold", "1")
			page := New(s.page.back)
			page.history = newHistory(10*time.Millisecond, time.Second, time.Minute)
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			go page.Serve(ln)
			toStore := func() bool {
				page.history.mu.Lock()
				defer page.history.mu.Unlock()
				return len(page.history.rings[0].changed) > 0
			}
			until(t, "a sample is to be stored", toStore)
			begun, here := make(chan struct{}), &net.UnixAddr{Name: "test", Net: "unix"}
			nc, err := s.server.ConnectOwn(here, here)
			if err != nil {
				t.Fatal(err)
			}
			other := newConn(nc)
			defer other.close()
			go func() {
				defer close(begun)
				other.do(c.begin...) // the script is killed
			}()
			if c.busy == "" {
				<-begun
			} else {
				until(t, "the server is busy", func() bool {
					_, err := s.conn.do("PING")
					return err != nil && strings.HasPrefix(err.Error(), c.busy)
				})
			}
			stopped := time.Now()
			page.Stop()
			if took := time.Since(stopped); took > commandTime/2 {
				t.Errorf("it took %v", took)
			}
			if c.over != nil {
				s.do(c.over...)
			}
			<-begun
		})
	}
}
