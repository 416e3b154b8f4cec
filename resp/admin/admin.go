package admin

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// A Backend is the server that this shows.
type Backend struct {
	// As whoever has yet to say who he is, as somebody who has proved it, and as somebody who may do everything.
	Connect       func(from, to net.Addr) (net.Conn, error)
	ConnectAs     func(user string, from, to net.Addr) (net.Conn, error)
	ConnectOwn    func(from, to net.Addr) (net.Conn, error)
	NeedsPassword func() bool  // nobody may do anything without saying who he is
	Ready         func() error // nil = commands are served
	// Keep stores something for the next start, Kept finds it again. They wait for a long script until the context is
	// done.
	Keep func(ctx context.Context, part string, values map[string][]byte) error
	Kept func(ctx context.Context, part string) (map[string]string, error)
	// Expiring lists at most so many keys of a database that expire after a place (a deadline in unix ms, and a number
	// for keys that have the same), in that order, and where to go on; 0, 0 = that was all.
	Expiring func(db int, millis, id int64, most int) (keys []string, nextMillis, nextID int64, err error)
	// Elements lists at most so many elements of a hash, set or sorted set behind a place, in order of birth, and where
	// to go on; the zero place = that was all. It reads no others, and what has changed in the last seconds it may
	// not know; there = it knows the collection, and it is the one of the place.
	Elements func(db int, key string, behind Place, most int) (elements []Element, next Place, there bool, err error)
	// Copy makes a copy of the database file, whose room on the disk is free again when it is closed.
	Copy func(ctx context.Context) (File, error)
	// NoteBackup notes that a copy was sent to its end: its kind as INFO's last_backup_kind has it, a moment up to
	// which it has everything, and its bytes. INFO tells it then, after a restart too.
	NoteBackup func(kind string, at time.Time, bytes int64)
	// Holds watches until the context is done how long the lock is held under which commands run: the longest first.
	Holds func(ctx context.Context) ([]Holds, error)
	TLS   *tls.Config                  // nil = without
	Log   func(what string, err error) // for the log
}

// An Element is one of a collection, with the beginnings of its name and its value.
type Element struct {
	Name, Value           string
	NameBytes, ValueBytes int64
	Score                 float64
}

// A Place is behind a row of the collection with a number: one of the same name that is made later has another. The
// zero one is the beginning of any.
type Place struct{ Key, Row int64 }

// Holds are those of the lock that ended in the same functions.
type Holds struct {
	Where               []string // the function that let go of the lock, the one that had called it, and so on
	Count               int
	Total               time.Duration
	Longest, LongestCPU time.Duration // by the clock, and of a processor's time; the latter is 0 where it is not known
}

// Bounds of what the listener takes.
const (
	mostConnections = 256
	headerTime      = 5 * time.Second
	bodyTime        = 15 * time.Second
	answerTime      = time.Minute // for anything but downloads and streams, which go on while they move
	idleTime        = time.Minute
	mostHeader      = 16 << 10
	mostBody        = 1 << 20
)

// A Server is the page and what else stands at its address.
type Server struct {
	back     Backend
	http     *http.Server
	sessions sessions
	families families
	own      ownClient
	history  *history
	walk     walk
	copying  sync.Mutex      // held by the download that copies the database file
	stopping context.Context // is done once Stop was called
	stop     context.CancelFunc
	working  sync.WaitGroup
}

// New makes a server that has yet to be told to Serve.
func New(back Backend) *Server {
	s := &Server{back: back, history: newHistory(10*time.Second, 4*time.Minute, 2*time.Hour)}
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.walk.again = walkAgain
	s.sessions.byToken = map[string]*session{}
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       bodyTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    mostHeader,
		ErrorLog:          log.New(nowhere{}, "", 0), // what strangers' clients do wrong is not worth a line
	}
	return s
}

type nowhere struct{}

func (nowhere) Write(p []byte) (int, error) { return len(p), nil }

// Serve answers those who come to a listener until Stop.
func (s *Server) Serve(ln net.Listener) error {
	s.working.Add(2)
	go s.sampling()
	go s.walking()
	ln = &bounded{Listener: ln, free: make(chan struct{}, mostConnections)}
	if s.back.TLS != nil {
		ln = tls.NewListener(ln, s.back.TLS)
	}
	err := s.http.Serve(ln)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Stop ends all of it. Nothing is asked of the server any more when it returns.
func (s *Server) Stop() {
	s.stop()
	s.sessions.endAll()
	s.own.end()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil { // somebody's download
		s.http.Close()
	}
	s.working.Wait()
	s.copying.Lock() // what is read of the store for a copy is over then, and nothing is any more
}

// bounded is a listener with a bound on its connections.
type bounded struct {
	net.Listener
	free chan struct{}
}

func (l *bounded) Accept() (net.Conn, error) {
	l.free <- struct{}{}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.free
		return nil, err
	}
	return &counted{Conn: c, leave: sync.OnceFunc(func() { <-l.free })}, nil
}

type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}

// handler knows every address below the page's.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /metrics", s.asUser(s.metrics))
	mux.HandleFunc("GET /debug/pprof/{name...}", s.asUser(s.inspect))
	s.pages(mux)
	sameOrigin := http.NewCrossOriginProtection()
	return sameOrigin.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime)) // a test's recorder has none
		r.Body = http.MaxBytesReader(w, r.Body, mostBody)
		if !s.back.NeedsPassword() && !isAddress(r.Host) {
			// Another site's name may be made to lead here, and its scripts would then be this page's.
			plain(w, http.StatusMisdirectedRequest, "no password is set, so this page answers under its address and localhost alone, not under another name")
			return
		}
		mux.ServeHTTP(w, r)
	}))
}

// headers go with every answer. The page needs nothing from elsewhere, and nothing of it may be shown within another.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "no-referrer",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cache-Control":                "no-store",
}

// isAddress reports whether a request was sent to an address, or to this machine's own name for itself.
func isAddress(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if host == "localhost" {
		return true
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(text + "\n"))
}

// readyz tells load balancers whether commands are served.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	if err := s.back.Ready(); err != nil {
		plain(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	plain(w, http.StatusOK, "ok")
}

// secret is a random text that nobody guesses.
func secret() string {
	b := make([]byte, 24)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// addresses are who has sent a request, and where to.
func addresses(r *http.Request) (from, to net.Addr) {
	to, _ = r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if to == nil {
		to = &net.TCPAddr{IP: net.IPv4zero}
	}
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return &net.TCPAddr{IP: net.IPv4zero}, to // nobody's: it is not trusted as loopback
	}
	return net.TCPAddrFromAddrPort(at), to
}
