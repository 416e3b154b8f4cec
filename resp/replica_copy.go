package resp

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"diskette/resp/moveout"
	"diskette/resp/repl"
)

// A full copy: an RDB file of one moment, made while commands go on, and sent as it is made. Nothing of it stands on
// disk, whatever repl-diskless-sync says, and replicas that come together need not wait for each other, because each
// has a moment of its own. One that does not take a file of unknown length (capa eof) has it from a temporary file.
//
//	+FULLRESYNC <ID> <offset>      to PSYNC alone
//	\n ...                         once a second until the file begins
//	$EOF:<40 bytes> <file> <the same 40 bytes>       or        $<length> <file>
//	the stream                     with the mark, from its first acknowledgement on: it would look for the mark in it

// copiesAtOnce is how many are made at the same time: each reads all data.
const copiesAtOnce = 2

var errFileOnly = errors.New("it wanted the file alone, and has it")

// copy sends the replica everything.
func (r *replica) copy(psync bool) {
	s := r.cl.srv
	s.replicas.fulls.Add(1)
	c := &fullCopy{r: r, psync: psync}
	ctx, stop := context.WithCancelCause(context.Background())
	defer stop(nil)
	pinging := make(chan struct{})
	defer close(pinging)
	go c.ping(pinging, stop)
	s.replicas.copying <- struct{}{}
	start := time.Now()
	s.log.Info().Str("replica", r.name()).Msg("full copy for a replica begins")
	err := c.write(ctx)
	<-s.replicas.copying
	if err != nil {
		r.close(fmt.Errorf("full copy: %w", err))
		return
	}
	s.log.Info().Str("replica", r.name()).Int64("bytes", c.bytes).Dur("took", time.Since(start)).Msg("full copy for a replica sent")
	if r.fileOnly {
		r.close(c.sent())
		return
	}
	if c.marked {
		select {
		case <-r.ready:
		case <-c.reader.Closed():
			r.close(c.reader.Err())
			return
		}
	} else {
		r.getOnline()
	}
	r.follow(c.reader)
}

// getOnline is called once the replica gets the stream.
func (r *replica) getOnline() {
	r.state.Store(replicaOnline)
	r.heard.Store(time.Now().UnixMilli())
	r.cl.srv.replicas.judge()
}

// A fullCopy is the way of the file's bytes.
type fullCopy struct {
	r      *replica
	psync  bool
	marked bool
	reader *repl.Reader
	at     repl.State
	bytes  int64

	mu struct {
		sync.Mutex
		begun bool // the file's bytes are being sent: nothing may come between them
	}
}

// ping shows the replica that its copy is being made.
func (c *fullCopy) ping(done <-chan struct{}, stop context.CancelCauseFunc) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		if c.r.cl.isKilled() || !c.r.attached.Load() {
			stop(errClosed)
			return
		}
		c.mu.Lock()
		if !c.mu.begun && c.r.cl.guard.Waiting() == 0 {
			_ = c.r.cl.guard.Send([]byte("\n"), true) // the copy notices the error
		}
		c.mu.Unlock()
	}
}

// moment is when the file is of. The caller holds the keyspace lock.
func (c *fullCopy) moment() {
	rs := &c.r.cl.srv.replicas
	c.reader, c.at = rs.stream.ReadOn()
	c.reader.SetLimit(c.r.limit())
	c.r.reader.Store(c.reader)
	rs.effects.Unit.SelectAgain()
}

// facts are what the file says of the stream.
func (c *fullCopy) facts() []moveout.Fact {
	return []moveout.Fact{{Name: "repl-stream-db", Text: "0"}, {Name: "repl-id", Text: c.at.ID}, {Name: "repl-offset", Text: fmt.Sprint(c.at.Offset)}}
}

// begin sends what comes before the file. length < 0 = it is not known.
func (c *fullCopy) begin(length int64) (mark []byte, err error) {
	head := ""
	if c.psync {
		head = fmt.Sprintf("+FULLRESYNC %s %d\r\n", c.at.ID, c.at.Offset)
	}
	if length >= 0 {
		head += fmt.Sprintf("$%d\r\n", length)
	} else {
		random := make([]byte, 20)
		rand.Read(random)
		mark = []byte(hex.EncodeToString(random))
		head += "$EOF:" + string(mark) + "\r\n"
	}
	c.r.state.Store(replicaCopies)
	c.mu.Lock()
	c.mu.begun = true
	c.mu.Unlock()
	return mark, c.r.send([]byte(head))
}

func (c *fullCopy) write(ctx context.Context) error {
	if !c.r.endMark {
		return c.spool(ctx)
	}
	c.marked = true
	out := &paced{c: c}
	if err := c.file(ctx, out); err != nil {
		return err
	}
	if err := out.flush(); err != nil {
		return err
	}
	c.r.fileSent.Store(true)
	return c.r.send(out.mark)
}

// file writes the RDB file.
func (c *fullCopy) file(ctx context.Context, out io.Writer) error {
	_, err := c.r.cl.srv.writeRDB(ctx, out, rdbRequest{version: c.r.fileVersion(), left: c.r.left, atMoment: c.moment, facts: c.facts})
	return err
}

// spool is write by way of a temporary file.
func (c *fullCopy) spool(ctx context.Context) error {
	f, err := os.CreateTemp(c.r.cl.srv.cfg.Text("dir"), "temp-replica-*.rdb")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil { // it lives on as long as it is open
		return err
	}
	if err := c.file(ctx, f); err != nil {
		return err
	}
	length, err := f.Seek(0, io.SeekCurrent)
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return err
	}
	if _, err := c.begin(length); err != nil {
		return err
	}
	for {
		piece := make([]byte, streamPiece)
		n, err := f.Read(piece)
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = c.sendPart(piece[:n])
		}
		if err != nil {
			return err
		}
	}
}

// sendPart sends bytes of the file, which are the connection's then.
func (c *fullCopy) sendPart(p []byte) error {
	c.bytes += int64(len(p))
	return c.r.send(p)
}

// sent waits until the replica has taken the whole file.
func (c *fullCopy) sent() error {
	for c.r.cl.guard.Waiting() > 0 && !c.r.cl.isKilled() {
		c.r.cl.guard.Unsent.Await(lookAgain)
	}
	return errFileOnly
}

// paced sends what is written to it in pieces, from the copy's moment on.
type paced struct {
	c    *fullCopy
	held []byte
	mark []byte
}

// Write is io.Writer's.
func (p *paced) Write(b []byte) (int, error) {
	p.held = append(p.held, b...)
	if len(p.held) < streamPiece || p.c.reader == nil {
		return len(b), nil
	}
	return len(b), p.flush()
}

func (p *paced) flush() (err error) {
	if p.mark == nil {
		if p.mark, err = p.c.begin(-1); err != nil {
			return err
		}
	}
	held := p.held
	p.held = make([]byte, 0, cap(held))
	return p.c.sendPart(held)
}
