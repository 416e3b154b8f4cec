package resp

import (
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/tidwall/redcon"

	"diskette/expire"
	"diskette/resp/acl"
	"diskette/resp/command"
	"diskette/resp/config"
	"diskette/resp/internal/machine"
	"diskette/resp/wire"
	"diskette/store"
)

// Version is Diskette's own; RedisVersion the Redis release whose behaviour it follows.
const (
	Version      = "0.1.0"
	RedisVersion = "7.2.4"
)

// Server is everything a client can see.
type Server struct {
	cfg       *config.Config
	store     *store.Store
	sweeper   *expire.Sweeper
	log       zerolog.Logger
	table     *command.Table // all commands, by their own names
	called    *command.Table // the same by the names that clients use: see rename-command
	acl       *acl.Users
	clients   registry
	loops     loops
	watchers  watchers
	blockers  blockers
	scripts   scripts
	libraries libraries
	pubsub    listeners
	arrivals  arrivals
	monitors  monitors
	host      command.Host // what commands may ask
	tracking  trackingTable
	pusher    pusher
	follow    following
	replicas  replicas
	running   *client // whose command runs; under the keyspace lock
	timing    timingSettings
	slowlog   slowlog
	limits    wire.Limits

	authDelays authDelays
	intrusions intrusions
	pause      pause
	started    time.Time
	loading    atomic.Pointer[Loading] // nil once there is a store
	runID      string
	tls        atomic.Pointer[tls.Config] // nil without a tls-port
	adminTLS   atomic.Pointer[tls.Config] // nil = the admin page is served without
	stats      serverStats
	sampler    sampler
	procs      *procs // nil = there is nothing to decide
	idle       idleness
	latencies  latencies
	heap       heapRoom
	bounds     diskBounds
	eviction   sync.Mutex   // held while clients are being chosen to be closed
	held       atomic.Int64 // what clients take besides what waits for them: see NoteHeld
	sweeping   atomic.Int64 // nanoseconds that the sweeper has taken
	dumps      dumps
	copies     copies
	targets    targets // of MIGRATE
	inside     inside
	rewrite    rewrites
	shutdown   func(Shutdown) // asks main to end the process

	supervisedBy string // the service manager that waits for the server, "" = none

	// lastSocket is that of the client that has asked for the end. It sees its connection close when
	// the process is over, as with Redis, so that a script that waits for that may start the server again.
	lastSocket atomic.Pointer[os.File]
	stopping   atomic.Bool

	httpLogged   atomic.Int64 // unix seconds of the last warning about web requests
	acceptLogged atomic.Int64 // unix seconds of the last warning about accept

	mu        sync.Mutex
	listeners []net.Listener
}

// Shutdown is how a client asked the server to end.
type Shutdown struct {
	Now bool // do not wait for clients' commands
}

type serverStats struct {
	connections, rejected, commands atomic.Int64
	batches                         atomic.Int64               // batches in which commands came: reads of pipelines
	loop                            atomic.Pointer[loopTotals] // INFO's counts begin there; nil = at the start
	overQuery, overOutput           atomic.Int64               // closed at client-query- and client-output-buffer-limit
	evictedClients                  atomic.Int64               // clients closed at maxmemory-clients
	errors                          errorCounts
}

// LoadConfig reads the configuration of a server: see Load.
func LoadConfig(args []string, defaults ...string) (*config.Config, []config.Notice, error) {
	return config.Load(args, command.NewTable(commandTable()), defaults...)
}

// NewServer makes a server over an open store; Hooks must have been given to the store.
func NewServer(cfg *config.Config, log zerolog.Logger, shutdown func(Shutdown)) *Server {
	s := newServer(cfg, log)
	s.shutdown = shutdown
	machine.PaceCollector()
	s.limitHeap() // a recovery needs memory, too
	cfg.KeepUsers(s.acl)
	return s
}

// renamed is the table after rename-command, which the configuration has tried.
func renamed(t *command.Table, renames [][2]string) *command.Table {
	for _, names := range renames {
		next, err := t.Renamed(names[0], names[1])
		if err != nil {
			panic(err)
		}
		t = next
	}
	return t
}

// SupervisedBy says which service manager waits for the server, "" = none. It is for INFO, and is called before Start.
func (s *Server) SupervisedBy(manager string) { s.supervisedBy = manager }

// newServer makes a server of which the configuration does not know.
func newServer(cfg *config.Config, log zerolog.Logger) *Server {
	s := &Server{cfg: cfg, log: log, started: time.Now()}
	s.procs = newProcs()
	s.table = command.NewTable(commandTable())
	s.called = renamed(s.table, cfg.Renames)
	s.host.Table, s.host.Settings, s.host.MaxBulk, s.host.MaxMemory = s.called, cfg, &cfg.ProtoMaxBulkLen, &cfg.MaxMemory
	s.host.Tell, s.host.Touched, s.host.Flushed, s.host.Busy = s.notify, s.blockers.touched, s.tracking.flushed, s.scripts.busyReply
	s.acl = cfg.Users(s.table)
	s.replicas.init(s)
	s.tracking.srv = s
	s.scripts.srv = s
	s.libraries.srv = s
	s.follow.srv = s
	s.clients.byID, s.clients.own = map[int64]*client{}, map[*client]struct{}{}
	id := make([]byte, 20)
	rand.Read(id)
	s.runID = hex.EncodeToString(id)
	return s
}

// LoadUsers reads the ACL file, if there is one.
func (s *Server) LoadUsers() error {
	file, err := s.cfg.ACLFile()
	if err == nil && file != "" {
		if s.cfg.RequirePass() != "" {
			s.log.Warn().Str("file", file).Msg("requirepass has no effect beside an aclfile, which says what the default user's password is")
		}
		_, err = s.acl.Load(file)
	}
	return err
}

// LoadTLS reads the certificates, if there is a tls-port or an admin page with TLS, and again whenever CONFIG SET
// changes them. Connections that are there keep theirs. If nothing is served with them what CONFIG SET names is
// looked at all the same: a later start would fail for it.
func (s *Server) LoadTLS() error {
	needed := s.cfg.Bool("tls-admin") && s.cfg.Text("admin") != ""
	load := func(string) error {
		if needed {
			t, err := loadAdminTLS(s.cfg)
			if err != nil {
				return err
			}
			s.adminTLS.Store(t)
		}
		if s.cfg.Int("tls-port") == 0 {
			return checkTLS(s.cfg)
		}
		t, err := loadTLS(s.cfg)
		if err == nil {
			s.tls.Store(t)
		}
		return err
	}
	switch err := load(""); {
	case err != nil && s.cfg.Int("tls-port") == 0 && !needed:
		s.log.Warn().Err(err).Msg("TLS is configured with what can not be used; without a tls-port nothing needs it")
	case err != nil:
		return fmt.Errorf("Failed to configure TLS: %w", err)
	}
	for _, name := range tlsSettings {
		s.cfg.OnChange(name, load)
	}
	return nil
}

// Hooks are what the store calls for this server.
func (s *Server) Hooks() store.Hooks {
	return store.Hooks{
		Touched: func(db int, key string) {
			if db >= s.cfg.Databases { // the server's own
				return
			}
			s.watchers.touched(db, key)
			s.blockers.touched(db, key)
			s.tracking.touched(key)
		},
		Created: func(db int, key string) {
			if db < s.cfg.Databases { // else the server's own
				s.notify(db, command.EventNew, "new", key)
			}
		},
		Missed: s.missed,
		Rested: machine.GiveBack,
		Overdue: func() bool {
			return (s.hears(command.EventExpired) || s.replicas.effects.On()) && !s.pause.active.Load() && s.follow.of.Load() == nil
		},
		Expired: func(db int, key string) {
			s.notify(db, command.EventExpired, "expired", key)
			s.replicas.removed(db, "DEL", key)
		},
		Evicted:      s.evicted,
		FieldExpired: func(db int, key, field string) { s.replicas.removed(db, "HDEL", key, field) },
		FieldsExpired: func(db int, key string, gone bool) {
			s.notify(db, command.EventHash, "hexpired", key)
			if gone {
				s.notify(db, command.EventGeneric, "del", key)
			}
		},
		Flushed: func(db int) {
			s.watchers.flushed(db)
			s.blockers.touchedAll(db, db)
		},
		Swapped: func(a, b int, now int64) {
			s.watchers.swapped(a, b, now)
			s.blockers.touchedAll(a, b)
			s.tracking.flushed() // Redis tells nobody, and what clients have cached of the two is wrong from then on
		},
	}
}

// Start gives the server its store, puts the configuration into effect and begins the expiry sweeps.
func (s *Server) Start(st *store.Store) {
	s.store, s.host.Store = st, st
	s.watchers.store = st
	s.dumps.prepare(s)
	s.removeCopies()
	s.libraries.restore()
	s.follow.restore()
	s.beginTallies()
	s.sweeper = expire.Start(s, int(s.cfg.Hz.Load()))
	s.loaded()
	s.replicas.start()
	s.applyConfig()
	s.beginFollowing()
	s.beginBounds()
	s.sampler.start(s)
	go s.keepTalliesUntil(s.sampler.stop)
	if s.procs != nil {
		go s.procs.run(s, s.sampler.stop)
	}
}

// Serve accepts clients on a listener until it is closed.
func (s *Server) Serve(ln net.Listener) error { return s.acceptFrom(ln, false) }

// ServeTLS is Serve for tls-port.
func (s *Server) ServeTLS(ln net.Listener) error { return s.acceptFrom(ln, true) }

func (s *Server) acceptFrom(ln net.Listener, overTLS bool) error {
	s.mu.Lock()
	s.listeners = append(s.listeners, ln)
	s.mu.Unlock()
	s.arrivals.listens(ln)
	err := redcon.Serve(guardListener{ln, s, overTLS}, s.serveConn, s.accept, s.closed)
	if s.stopping.Load() || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// guardListener puts the guard before redcon.
type guardListener struct {
	net.Listener
	srv     *Server
	overTLS bool
}

// acceptRetry is the pause after an accept that failed, when the process has no descriptor left for one: redcon
// would try again at once, for ever.
const acceptRetry = 50 * time.Millisecond

func (l guardListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err == nil {
			l.srv.arrivals.coming.Add(1)
			l.srv.keepAlive(c)
			if l.overTLS {
				return wire.NewTLSGuard(c, l.srv.tls.Load(), &l.srv.limits), nil
			}
			if polled, ok := l.srv.loops.take(l.srv, c); ok {
				c = polled
			}
			return wire.NewGuard(c, &l.srv.limits), nil
		}
		if errors.Is(err, net.ErrClosed) {
			return nil, err
		}
		if now := time.Now().Unix(); l.srv.acceptLogged.Swap(now) != now {
			l.srv.log.Warn().Err(err).Msg("can not accept a connection")
		}
		time.Sleep(acceptRetry)
	}
}

// keepAlive applies tcp-keepalive: three probes that go unanswered, a third of it apart, end
// the connection. As in Redis it holds for connections that come after a CONFIG SET.
func (s *Server) keepAlive(c net.Conn) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	idle := time.Duration(s.cfg.TCPKeepalive.Load()) * time.Second
	// An error means that the client is gone already, which the first read will say.
	_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: idle > 0, Idle: idle, Interval: max(idle/3, time.Second), Count: 3})
}

// ownDescriptors are kept for the listeners, the journal and the database: without one they could not be
// written to. It is 19 in use with an idle client, and the journal adds one a segment.
const ownDescriptors = 48

// limitClients lowers maxclients to what the process's limit of open files (ulimit -n) leaves,
// as Redis does, and refuses a CONFIG SET beyond it.
func (s *Server) limitClients() {
	files, known := machine.DescriptorLimit()
	if !known {
		return
	}
	own := int64(ownDescriptors)
	if s.cfg.Bool("event-loops") {
		own += s.cfg.Int("io-threads") * wire.PollDescriptors
	}
	most := max(files-own, 1)
	if wanted := s.cfg.MaxClients.Load(); wanted > most {
		s.log.Warn().Int64("wanted", wanted).Int64("maxclients", most).Int64("open_files", files).
			Msg("maxclients is lowered: raise the limit of open files (ulimit -n)")
		if err := s.cfg.Set([][2]string{{"maxclients", strconv.FormatInt(most, 10)}}); err != nil {
			s.log.Warn().Err(err).Msg("maxclients can not be lowered")
		}
	}
	s.cfg.OnChange("maxclients", func(string) error {
		if s.cfg.MaxClients.Load() > most {
			// These are Redis's words.
			return fmt.Errorf("The operating system is not able to handle the specified number of clients, try with %d", most)
		}
		return nil
	})
}

// Stop ends the listening, lets the commands under way finish and closes the connections. If a
// script takes longer than grace, Stop does not wait for it: see RunsScript.
func (s *Server) Stop(grace time.Duration) {
	s.stopping.Store(true)
	s.mu.Lock()
	for _, ln := range s.listeners {
		ln.Close()
	}
	s.mu.Unlock()
	s.pause.end()
	s.follow.stop()
	asleep := make(chan struct{})
	go func() { // they may be waiting for the keyspace lock, which a script keeps until it ends
		defer close(asleep)
		s.dumps.end()
		if s.sweeper != nil {
			s.sweeper.Stop()
			s.sampler.end()
		}
	}()
	deadline := time.Now().Add(grace)
	for {
		if n := s.clients.close(func(cl *client) { cl.guard.CloseRead() }); n == 0 || time.Now().After(deadline) {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	s.clients.close(func(cl *client) { cl.guard.Abort() })
	s.loops.end()
	for {
		select {
		case <-asleep:
			if s.sweeper != nil && !s.RunsScript() {
				s.keepTallies()
			}
			return
		case <-time.After(5 * time.Millisecond):
			if s.RunsScript() && time.Now().After(deadline) {
				return
			}
		}
	}
}
