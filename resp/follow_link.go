package resp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"diskette/resp/follow"
)

// A link is the way to a master: it connects, again and again, and takes what comes.
type link struct {
	srv    *Server
	host   string
	port   int
	ctx    context.Context
	cancel context.CancelCauseFunc
	done   chan struct{}
	from   position // where the stream is to go on; the run's own
	fresh  bool     // nothing of the stream has come yet; the run's own

	state     atomic.Int32
	applied   atomic.Int64 // offset of what is in the data
	committed atomic.Int64 // offset of what is in the journal, too: what the master is told
	lastIO    atomic.Int64 // unix ms at which the master was last heard
	downSince atomic.Int64 // unix ms; 0 = it is up, or never was
	masterID  atomic.Pointer[string]
	copied    struct{ total, read, lastIO atomic.Int64 } // of a copy under way, bytes; total -1 = unknown

	conn struct {
		sync.Mutex // held while something is written
		net.Conn
	}
}

// The states of a link. Their names are ROLE's.
const (
	linkConnect    int32 = iota // not connected
	linkConnecting              // on the way
	linkHandshake
	linkCopying
	linkUp
)

var linkStates = [...]string{"connect", "connecting", "handshake", "sync", "connected"}

const (
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
	ackPeriod    = time.Second
)

func newLink(s *Server, host string, port int) *link {
	l := &link{srv: s, host: host, port: port, fresh: true, done: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancelCause(context.Background())
	l.downSince.Store(time.Now().UnixMilli())
	return l
}

func (l *link) address() string { return net.JoinHostPort(l.host, strconv.Itoa(l.port)) }

// end ends the link and waits for that. What has arrived whole is in the data then.
func (l *link) end() {
	l.cancel(errLinkEnds)
	l.conn.Lock()
	if l.conn.Conn != nil {
		l.conn.SetReadDeadline(time.Unix(1, 0))
	}
	l.conn.Unlock()
	<-l.done
}

// run keeps the link up until it is ended.
func (l *link) run() {
	defer close(l.done)
	l.applied.Store(l.from.offset)
	l.committed.Store(l.from.offset)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := l.connect()
		if l.state.Load() == linkUp {
			pause = firstPause
			l.downSince.Store(time.Now().UnixMilli())
		}
		l.state.Store(linkConnect)
		if l.ctx.Err() != nil {
			return
		}
		l.srv.log.Warn().Err(err).Str("master", l.address()).Dur("again_in_ms", pause).Msg("no link to the master")
		if l.wait(pause); l.ctx.Err() != nil {
			return
		}
	}
}

func (l *link) timeout() time.Duration {
	return time.Duration(l.srv.cfg.Int("repl-timeout")) * time.Second
}

// dial connects, over TLS if tls-replication says so.
func (l *link) dial() (net.Conn, error) {
	d := net.Dialer{Timeout: l.timeout(), KeepAlive: 15 * time.Second}
	if !l.srv.cfg.Bool("tls-replication") {
		return d.DialContext(l.ctx, "tcp", l.address())
	}
	t, err := loadTLSClient(l.srv.cfg, l.host)
	if err != nil {
		return nil, err
	}
	return (&tls.Dialer{NetDialer: &d, Config: t}).DialContext(l.ctx, "tcp", l.address())
}

// connect is one connection, from the first byte to its end.
func (l *link) connect() (err error) {
	l.state.Store(linkConnecting)
	conn, err := l.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	conn = l.srv.clients.countMaster(conn)
	l.conn.Lock()
	l.conn.Conn = conn
	l.conn.Unlock()
	l.state.Store(linkHandshake)
	h := &handshake{l: l, r: follow.NewReader(conn, l.limits())}
	h.r.Wait = l.await
	sync, err := h.greet(l.from)
	if err != nil {
		return err
	}
	stop := l.acknowledge()
	defer stop()
	if sync.Kind == follow.Full {
		if err := l.copy(h.r, sync); err != nil {
			return fmt.Errorf("the copy of the master's data: %w", err)
		}
	} else if err := l.resume(sync); err != nil {
		return err
	}
	return l.stream(h.r)
}

// limits are those of a stream. A master's own limit may be higher, which CONFIG SET proto-max-bulk-len follows.
func (l *link) limits() follow.Limits {
	n := l.srv.cfg.ProtoMaxBulkLen.Load()
	return follow.Limits{Argument: n, Command: 2 * n}
}

// await is called before each read of a connection.
func (l *link) await() error {
	if l.ctx.Err() != nil {
		return context.Cause(l.ctx)
	}
	l.lastIO.Store(time.Now().UnixMilli())
	if err := l.conn.SetReadDeadline(time.Now().Add(l.timeout())); err != nil {
		return err
	}
	if l.ctx.Err() != nil { // end may have set an earlier one just before
		return context.Cause(l.ctx)
	}
	return nil
}

// write sends a command or newline to the master.
func (l *link) write(b []byte) error {
	l.conn.Lock()
	defer l.conn.Unlock()
	l.conn.SetWriteDeadline(time.Now().Add(l.timeout()))
	_, err := l.conn.Write(b)
	return err
}

// acknowledge tells the master each second how far this server is, until stop is called. While a copy is taken a
// newline says that somebody is there.
func (l *link) acknowledge() (stop func()) {
	done := make(chan struct{})
	var over sync.WaitGroup
	over.Go(func() {
		tick := time.NewTicker(ackPeriod)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			var err error
			if l.state.Load() == linkUp {
				err = l.ack()
			} else {
				err = l.write([]byte("\n"))
			}
			if err != nil {
				return // the reader hears of it
			}
		}
	})
	return func() {
		close(done)
		over.Wait()
	}
}

func (l *link) ack() error {
	return l.write(follow.Append(nil, "REPLCONF", "ACK", strconv.FormatInt(l.committed.Load(), 10)))
}

// A handshake is what is said before the data.
type handshake struct {
	l *link
	r *follow.Reader
}

// ask sends a command and returns the answer, a line.
func (h *handshake) ask(args ...string) (string, error) {
	if err := h.l.write(follow.Append(nil, args...)); err != nil {
		return "", err
	}
	return h.r.Line()
}

var errUnwilling = errors.New("the master refuses")

// greet says who this is, and asks for the stream from a position on.
func (h *handshake) greet(from position) (s follow.Sync, err error) {
	cfg := h.l.srv.cfg
	answer, err := h.ask("PING")
	switch {
	case err != nil:
		return s, err
	case answer[0] == '-' && !strings.HasPrefix(answer, "-NOAUTH") && !strings.HasPrefix(answer, "-NOPERM") &&
		!strings.HasPrefix(answer, "-ERR operation not permitted"):
		return s, fmt.Errorf("%w: PING: %.200q", errUnwilling, answer)
	}
	if password := cfg.Text("masterauth"); password != "" {
		auth := []string{"AUTH", password}
		if user := cfg.Text("masteruser"); user != "" {
			auth = []string{"AUTH", user, password}
		}
		if answer, err = h.ask(auth...); err != nil {
			return s, err
		} else if answer[0] == '-' {
			return s, fmt.Errorf("%w: AUTH, with masteruser and masterauth: %.200q", errUnwilling, answer)
		}
	}
	port := cfg.Int("replica-announce-port")
	if port == 0 && cfg.Bool("tls-replication") {
		port = cfg.Int("tls-port")
	}
	if port == 0 {
		port = cfg.Int("port")
	}
	says := [][]string{{"listening-port", strconv.FormatInt(port, 10)}, {"capa", "eof", "capa", "psync2", "capa", capaFieldTimes}}
	if ip := cfg.Text("replica-announce-ip"); ip != "" {
		says = append(says, []string{"ip-address", ip})
	}
	for _, say := range says {
		if answer, err = h.ask(append([]string{"REPLCONF"}, say...)...); err != nil {
			return s, err
		} else if answer[0] == '-' { // it may not know this; PSYNC decides
			h.l.srv.log.Info().Str("said", say[0]).Str("answer", answer).Msg("the master does not take what REPLCONF says")
		}
	}
	return h.psync(from)
}

func (h *handshake) psync(from position) (s follow.Sync, err error) {
	id, offset := "?", "-1"
	if from.id != "" {
		id, offset = from.id, strconv.FormatInt(from.offset+1, 10)
	}
	answer, err := h.ask("PSYNC", id, offset)
	if err != nil {
		return s, err
	}
	if s, err = follow.ParseSync(answer); err != nil {
		return s, err
	}
	switch s.Kind {
	case follow.NotNow, follow.Never:
		if strings.HasPrefix(answer, "-NOAUTH") || strings.HasPrefix(answer, "-NOPERM") {
			return s, fmt.Errorf("%w: PSYNC: %.200q: set masterauth to its password (and masteruser to a user who may run PSYNC and REPLCONF)",
				errUnwilling, answer)
		}
		return s, fmt.Errorf("%w: PSYNC: %.200q", errUnwilling, answer)
	case follow.Continue:
		if from.id == "" {
			return s, fmt.Errorf("%w: it goes on where nobody was: %.200q", follow.ErrProtocol, answer)
		}
	}
	return s, nil
}
