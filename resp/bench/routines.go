package bench

import (
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// routines drive connections by Go's own sockets, a goroutine each: for TLS, and where there is no epoll.
type routines struct{ *options }

// A routine is a connection with its goroutine.
type routine struct {
	stream
	conn   net.Conn
	buffer []byte
}

func (d *routines) run(l *load) ([]*latencies, time.Duration, error) {
	figures := newLatencies(d.precision)
	var counting sync.Mutex // of the figures
	all := make([]*routine, 0, d.connections)
	var closing sync.Mutex // of the connections
	shut := func() {
		closing.Lock()
		defer closing.Unlock()
		for _, c := range all {
			c.conn.Close()
		}
	}
	defer shut()
	for range d.connections {
		conn, err := d.open()
		if err != nil {
			return nil, 0, err
		}
		c := &routine{stream: l.newStream(figures, newRandom()), conn: conn, buffer: make([]byte, readBytes)}
		c.counting = &counting
		all = append(all, c)
		l.live.Add(1)
		if l.over.Load() {
			return nil, 0, errStopped
		}
	}
	start := time.Now()
	var group sync.WaitGroup
	finished := make(chan struct{})
	for _, c := range all {
		group.Go(func() {
			defer l.live.Add(-1)
			if err := c.turn(d, &closing); err != nil {
				l.fail(err)
			}
		})
	}
	go func() { // what ends a load early ends the waits for replies, too
		for !l.over.Load() {
			select {
			case <-finished:
				return
			case <-time.After(tick):
			}
		}
		shut()
	}()
	group.Wait()
	took := time.Since(start)
	close(finished)
	return []*latencies{figures}, took, nil
}

// turn sends and receives until there are enough requests.
func (c *routine) turn(d *routines, closing *sync.Mutex) error {
	for fresh := true; c.begin(fresh); fresh = !c.load.keep {
		if _, err := c.conn.Write(c.out); err != nil {
			return broken(err)
		}
		for done := false; !done; {
			n, err := c.conn.Read(c.buffer)
			if n > 0 {
				var wrong error
				if done, wrong = c.receive(c.buffer[:n]); wrong != nil {
					return wrong
				}
				continue
			}
			if errors.Is(err, io.EOF) {
				return errClosed
			}
			if err != nil {
				return broken(err)
			}
		}
		if c.load.keep {
			continue
		}
		conn, err := d.open()
		if err != nil {
			return err
		}
		closing.Lock()
		c.conn.Close()
		c.conn = conn
		closing.Unlock()
	}
	return nil
}

func newRandom() *rand.PCG { return rand.NewPCG(rand.Uint64(), rand.Uint64()) }
