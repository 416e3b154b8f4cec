package resp

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/tidwall/redcon"

	"diskette/expire"
	"diskette/store"
)

// Version is Diskette's own; RedisVersion the Redis release whose behaviour it follows.
const (
	Version      = "0.1.0"
	RedisVersion = "7.2.4"
)

// Server is everything a client can see.
type Server struct {
	cfg      *Config
	store    *store.Store
	sweeper  *expire.Sweeper
	log      zerolog.Logger
	table    *commands
	clients  registry
	watchers watchers
	limits   guardLimits
	pause    pause
	started  time.Time
	runID    string
	stats    serverStats
	sampler  sampler
	saves    saves
	shutdown func(Shutdown) // asks main to end the process
	stopping atomic.Bool

	httpLogged atomic.Int64 // unix seconds of the last warning about web requests

	mu        sync.Mutex
	listeners []net.Listener
}

// Shutdown is how a client asked the server to end.
type Shutdown struct {
	Now bool // do not wait for clients' commands
}

type serverStats struct {
	connections, rejected, commands atomic.Int64
	errors                          errorCounts
}

// NewServer makes a server over an open store; Hooks must have been given to the store.
func NewServer(cfg *Config, log zerolog.Logger, shutdown func(Shutdown)) *Server {
	s := &Server{cfg: cfg, log: log, started: time.Now(), shutdown: shutdown}
	s.table = newCommands()
	s.clients.byID = map[int64]*client{}
	id := make([]byte, 20)
	rand.Read(id)
	s.runID = hex.EncodeToString(id)
	return s
}

// Hooks are what the store calls for this server.
func (s *Server) Hooks() store.Hooks {
	return store.Hooks{Touched: s.watchers.touched, Flushed: s.watchers.flushed, Swapped: s.watchers.swapped}
}

// Start gives the server its store, puts the configuration into effect and begins the expiry sweeps.
func (s *Server) Start(st *store.Store) {
	s.store = st
	s.watchers.store = st
	s.sweeper = expire.Start(st, int(s.cfg.Hz.Load()))
	s.applyConfig()
	s.sampler.start(s)
}

// Serve accepts clients on a listener until it is closed.
func (s *Server) Serve(ln net.Listener) error {
	s.mu.Lock()
	s.listeners = append(s.listeners, ln)
	s.mu.Unlock()
	err := redcon.Serve(guardListener{ln, &s.limits}, s.serveConn, s.accept, s.closed)
	if s.stopping.Load() || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// guardListener puts the guard before redcon.
type guardListener struct {
	net.Listener
	limits *guardLimits
}

func (l guardListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newGuard(c, l.limits), nil
}

// Stop ends the listening, lets the commands under way finish and closes the connections.
func (s *Server) Stop(grace time.Duration) {
	s.stopping.Store(true)
	s.mu.Lock()
	for _, ln := range s.listeners {
		ln.Close()
	}
	s.mu.Unlock()
	s.pause.end()
	if s.sweeper != nil {
		s.sweeper.Stop()
		s.sampler.end()
	}
	deadline := time.Now().Add(grace)
	for {
		s.clients.Lock()
		n := len(s.clients.byID)
		for _, cl := range s.clients.byID {
			cl.guard.CloseRead()
		}
		s.clients.Unlock()
		if n == 0 || time.Now().After(deadline) {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.clients.Lock()
	for _, cl := range s.clients.byID {
		cl.guard.Close()
	}
	s.clients.Unlock()
}
