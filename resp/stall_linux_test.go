package resp

import (
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"diskette/store"
	"diskette/store/files"
	"diskette/store/journal"
)

// The disk does not take what is written to the journal. Those of the only loop who have not seen it are served
// meanwhile; the others hear nothing until it is written.
func TestAWriteOfTheJournalThatTakesLongHoldsUpNobodyElseInALoop(t *testing.T) {
	var stuck atomic.Bool
	begun, release := make(chan struct{}, 100), make(chan struct{})
	o := store.Options{Policy: journal.EverySec, Fault: func(c files.Call) (int, error) {
		if c.Op == files.Write && strings.HasSuffix(c.Path, ".journal") && stuck.Load() {
			begun <- struct{}{}
			<-release
		}
		return len(c.Data), nil
	}}
	free := sync.OnceFunc(func() { stuck.Store(false); close(release) })
	addr, s := startServingOn(t, zerolog.Nop(), []string{"--event-loops", "yes", "--io-threads", "1"}, o)
	defer free()
	writer, second, concerned, reader := talk(t, addr), talk(t, addr), talk(t, addr), talk(t, addr)
	for _, k := range []*talker{writer, second, concerned, reader} {
		if got := k.do("SET settled v"); got != "+OK" {
			t.Fatal(got)
		}
	}
	inLoop(t, s, 4)

	stuck.Store(true)
	writer.send("SET new v")
	<-begun
	for range 3 {
		if got := reader.do("GET settled"); got != "v" {
			t.Fatalf("who reads what is settled hears %q", got)
		}
	}
	second.send("SET other v")
	concerned.send("GET new")
	for range 3 {
		if got := reader.do("GET settled"); got != "v" {
			t.Fatalf("who reads what is settled hears %q while others wait", got)
		}
	}
	for _, k := range []*talker{writer, second, concerned} {
		k.conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond)) //nolint:errcheck // it can not fail
		if b, err := k.r.Peek(1); err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("who must wait hears %q, %v", b, err)
		}
	}
	free()
	writer.want("+OK")
	second.want("+OK")
	concerned.want("v")
	inLoop(t, s, 4)
	until(t, "no stall", func() bool { return s.loops.stalls.now.Load() == 0 })
}

// A disk that stalls again and again, under clients that all write and read what others have written.
func TestLoopsThatAreTakenAwayAgainAndAgainLoseNobody(t *testing.T) {
	var n atomic.Int64
	o := store.Options{Policy: journal.EverySec, Fault: func(c files.Call) (int, error) {
		if c.Op == files.Write && strings.HasSuffix(c.Path, ".journal") && n.Add(1)%16 == 0 {
			time.Sleep(4 * stallPeriod)
		}
		return len(c.Data), nil
	}}
	addr, s := startServingOn(t, zerolog.Nop(), []string{"--event-loops", "yes", "--io-threads", "2"}, o)
	const clients, each = 16, 60
	done := make(chan error, clients)
	for range clients {
		k := talk(t, addr)
		go func() {
			for range each {
				if got := k.do("INCR n"); !strings.HasPrefix(got, ":") {
					done <- errors.New("INCR: " + got)
					return
				}
				if got := k.do("GET n"); got == "" || got[0] == '-' {
					done <- errors.New("GET: " + got)
					return
				}
			}
			done <- nil
		}()
	}
	for range clients {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if got := talk(t, addr).do("GET n"); got != "960" {
		t.Fatalf("n is %s", got)
	}
	inLoop(t, s, clients+1)
}
