package resp

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"diskette/resp/repl"
)

// A replica is what is known of a client that has sent REPLCONF, PSYNC or SYNC.
type replica struct {
	cl *client

	// Told by REPLCONF before it was attached, by the client's own goroutine.
	port     int
	ip       string  // "" = the one it comes from
	endMark  bool    // capa eof: it takes a file of unknown length
	psync2   bool    // capa psync2: it can be continued under another ID
	fileOnly bool    // it wants the file and no stream
	left     rdbLeft // what it does not want of the file
	version  string  // of the server that it is, "" = not told
	old      bool    // it has sent SYNC: it acknowledges nothing

	fieldTimes bool // capaFieldTimes: it is a Diskette

	attached atomic.Bool
	state    atomic.Int32
	ack      atomic.Int64                // the offset that it has
	fsynced  atomic.Int64                // what it has on disk
	heard    atomic.Int64                // unix ms when it last acknowledged, or when it came
	fileSent atomic.Bool                 // all but the mark at its end
	ready    chan struct{}               // closed by the first acknowledgement after that
	reader   atomic.Pointer[repl.Reader] // nil until the moment of its copy
	slow     time.Time                   // since when it is over the soft limit; tick's own
}

// The states, in INFO's words.
const (
	replicaWaits int32 = iota
	replicaCopies
	replicaOnline
)

var replicaStates = []string{"wait_bgsave", "send_bulk", "online"}

func (r *replica) online() bool { return r.state.Load() == replicaOnline }

// lag is how many seconds ago it acknowledged something.
func (r *replica) lag(now time.Time) int64 { return max(0, now.UnixMilli()-r.heard.Load()) / 1000 }

// address is where clients find it.
func (r *replica) address() (ip string, port int) {
	if r.ip != "" {
		return r.ip, r.port
	}
	host, _, err := net.SplitHostPort(r.cl.addr())
	if err != nil {
		host = r.cl.addr()
	}
	return host, r.port
}

func (r *replica) name() string {
	ip, port := r.address()
	return net.JoinHostPort(ip, strconv.Itoa(port))
}

// pacedBytes is up to how much of a replica's bytes waits in its connection; the others wait where they are shared.
const pacedBytes = 256 << 10

// send sends bytes at the replica's pace, as long as its reader is not closed. They must never change.
func (r *replica) send(p []byte) error {
	g := r.cl.guard
	if err := g.Send(p, true); err != nil {
		return err
	}
	for g.Waiting() > pacedBytes {
		if r.cl.isKilled() {
			return errClosed
		}
		if reader := r.reader.Load(); reader != nil && reader.Err() != nil {
			return reader.Err()
		}
		g.Unsent.Await(lookAgain)
	}
	return nil
}

const streamPiece = 64 << 10

// follow sends the stream until the connection ends or the reader is closed.
func (r *replica) follow(reader *repl.Reader) {
	for {
		p, err := reader.Next(streamPiece)
		if err == nil {
			err = r.send(p)
		}
		if err != nil {
			r.close(err)
			return
		}
	}
}

// close ends the connection, because of an error.
func (r *replica) close(err error) {
	if errors.Is(err, repl.ErrBehind) {
		_ = r.cl.overLimit(errOutputHard) // it logs, counts and closes
		return
	}
	if r.cl.kill() {
		level := zerolog.WarnLevel
		if errors.Is(err, errFileOnly) {
			level = zerolog.InfoLevel
		}
		r.cl.srv.log.WithLevel(level).Str("replica", r.name()).AnErr("reason", err).Msg("replica closed")
	}
}

// end lets go of the stream.
func (r *replica) end() {
	if reader := r.reader.Load(); reader != nil {
		reader.Close()
	}
}

var (
	errReplicaSilent = errors.New("repl-timeout: it has acknowledged nothing for so long")
	errReplicaDeaf   = errors.New("repl-timeout: it has taken nothing of its copy for so long, and others wait for theirs")
)

// tick looks at the limits of time.
func (r *replica) tick(now time.Time) {
	cfg := r.cl.srv.cfg
	reader := r.reader.Load()
	if reader == nil {
		return
	}
	if timeout := cfg.Int("repl-timeout"); r.online() && !r.old && r.lag(now) > timeout {
		r.close(errReplicaSilent)
		return
	}
	if r.deaf(now) {
		r.close(errReplicaDeaf)
		return
	}
	reader.SetLimit(r.limit())
	soft := cfg.OutputLimits().Replica
	switch {
	case soft.SoftBytes == 0 || reader.Behind() <= soft.SoftBytes:
		r.slow = time.Time{}
	case r.slow.IsZero():
		r.slow = now
	case now.Sub(r.slow) > soft.Soft():
		_ = r.cl.overLimit(errOutputSoft) // it logs, counts and closes
	}
}

// deaf reports whether it has taken nothing of its copy for repl-timeout. Only so many copies are made at once, so it
// would keep all others from theirs.
func (r *replica) deaf(now time.Time) bool {
	g := r.cl.guard
	return r.state.Load() == replicaCopies && g.Waiting() > 0 &&
		now.UnixMilli()-g.Unsent.Took() > 1000*r.cl.srv.cfg.Int("repl-timeout")
}

// limit is how many bytes of the stream may wait for it, 0 = any number. As in Redis it is not less than the backlog,
// which is kept in any case.
func (r *replica) limit() int64 {
	cfg := r.cl.srv.cfg
	hard := cfg.OutputLimits().Replica.HardBytes
	if hard > 0 {
		hard = max(hard, cfg.Int("repl-backlog-size"))
	}
	return hard
}

const (
	rdbOf7  = 10 // what Redis 7.0 reads, and all that come after it
	rdbOf72 = 11
	rdbOf74 = 12 // the first that keeps the deadlines of hashes' fields
)

// capaFieldTimes is what a follower of ours says in REPLCONF capa: it reads rdbOf74. Redis passes over what it does not
// know there.
const capaFieldTimes = "field-deadlines"

// fileVersion is the version of the RDB file that it gets: one that it can read, for the deadlines of fields that are
// left out of its copy would never come to it again. Only newer servers say what they are. From 8 on that is no answer:
// Valkey's 8 reads no more than Redis 7.2 does. There export-rdb-version decides.
func (r *replica) fileVersion() int {
	most := int(r.cl.srv.cfg.Int("export-rdb-version"))
	var major, minor int
	n, _ := fmt.Sscanf(r.version, "%d.%d", &major, &minor)
	switch told := n == 2; {
	case r.fieldTimes, told && major == 7 && minor >= 4:
		return rdbOf74
	case told && major >= 8:
		return min(most, rdbOf74)
	case told && major == 7 && minor >= 2:
		return min(most, rdbOf72)
	default:
		return min(most, rdbOf7)
	}
}
