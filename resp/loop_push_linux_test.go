package resp

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// theClient is the server's end of the only connection whose client has that name.
func (s *Server) theClient(t testing.TB, name string) (found *client) {
	t.Helper()
	s.clients.each(func(cl *client) {
		cl.mu.Lock()
		defer cl.mu.Unlock()
		if cl.namesLocked().name == name {
			found = cl
		}
	})
	if found == nil {
		t.Fatalf("there is no client %q", name)
	}
	return found
}

func TestWhoIsPushedToIsInTheLoop(t *testing.T) {
	for _, becomes := range []string{"HELLO 3", "CLIENT TRACKING ON", "SUBSCRIBE c", "PSUBSCRIBE c*", "MONITOR"} {
		t.Run(becomes, func(t *testing.T) {
			addr, s := startLooping(t)
			k, other := talk(t, addr), talk(t, addr)
			other.do("PING")
			if got := k.do(becomes); strings.HasPrefix(got, "-") {
				t.Fatal(got)
			}
			inLoop(t, s, 2)
			other.do("PUBLISH c m")
			if hears := map[string]string{"SUBSCRIBE c": "*3 message c m", "PSUBSCRIBE c*": "*4 pmessage c* c m"}[becomes]; hears != "" {
				k.want(hears)
			}
			inLoop(t, s, 2)
		})
	}
}

// Values of 100,000 bytes are sent in three pieces, with a system call each.
func TestNoPushComesIntoAReplyInALoop(t *testing.T) {
	addr, s := startLooping(t, "--io-threads", "1")
	const readers, rounds = 6, 60
	value := strings.Repeat("v", 100_000)
	writer := talk(t, addr)
	writer.send("SET k " + value[:10])
	writer.want("+OK")
	fmt.Fprintf(writer.conn, "*3\r\n$3\r\nSET\r\n$4\r\nlong\r\n$%d\r\n%s\r\n", len(value), value)
	writer.want("+OK")

	var read sync.WaitGroup
	stop := make(chan struct{})
	for range readers {
		k := talk(t, addr)
		for _, command := range []string{"HELLO 3", "CLIENT TRACKING ON BCAST", "SUBSCRIBE c"} {
			k.do(command)
		}
		read.Add(1)
		go func() {
			defer read.Done()
			heard, told := -1, 0
			next := func() string { // the next reply; what is pushed is checked on the way
				for {
					got := k.reply()
					switch text, isMessage := strings.CutPrefix(got, ">3 message c "); {
					case isMessage:
						if n, err := strconv.Atoi(text); err != nil || n != heard+1 {
							t.Errorf("message %q comes behind %d", text, heard)
						}
						heard++
					case strings.HasPrefix(got, ">2 invalidate"):
						told++
					default:
						return got
					}
				}
			}
			for n := 0; n < rounds || n < 100*rounds && (heard < 0 || told == 0); n++ {
				k.send(fmt.Sprintf("GET long\r\nPING %d\r\nGET long\r\nGET k", n))
				for _, want := range []string{value, fmt.Sprint(n), value, value[:10]} {
					if got := next(); got != want {
						t.Errorf("in round %d: %.200q comes in the place of %.20q", n, got, want)
						return
					}
				}
			}
			if heard < 0 || told == 0 {
				t.Errorf("%d messages and %d invalidations have come: the test shows nothing", heard+1, told)
			}
		}()
	}
	var wrote sync.WaitGroup
	wrote.Add(1)
	go func() {
		defer wrote.Done()
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			writer.send(fmt.Sprintf("PUBLISH c %d\r\nSET k %s", n, value[:10]))
			writer.want(fmt.Sprint(":", readers))
			writer.want("+OK")
		}
	}()
	read.Wait()
	close(stop)
	wrote.Wait()
	inLoop(t, s, 1+readers)
}

func TestAnInvalidationComesBeforeTheReplyThatSawTheChangeInALoop(t *testing.T) {
	addr, _ := startLooping(t, "--io-threads", "1")
	writer := talk(t, addr)
	const readers = 20
	all := make([]*talker, readers)
	for i := range all {
		all[i] = talk(t, addr)
		all[i].do("HELLO 3")
		all[i].do("CLIENT TRACKING ON")
		all[i].do("GET k")
	}
	for round := range 50 {
		for _, k := range all { // what they ask comes in the same turn as the change, or behind it
			k.send("PING")
		}
		writer.send(fmt.Sprint("SET k ", round))
		writer.want("+OK")
		for _, k := range all {
			k.send("GET k")
		}
		for _, k := range all {
			pong, told := k.reply(), k.reply()
			if told == "+PONG" {
				pong, told = told, pong
			}
			if got := k.reply(); pong != "+PONG" || told != ">2 invalidate *1 k" || got != fmt.Sprint(round) {
				t.Fatalf("in round %d: %q, %q, %q", round, pong, told, got)
			}
		}
	}
}

func TestWhoIsBeingPushedToDoesNotHoldTheLoopUp(t *testing.T) {
	addr, s := startLooping(t, "--io-threads", "1")
	k, other := talk(t, addr), talk(t, addr)
	k.do("HELLO 3 SETNAME told")
	other.do("PING")
	inLoop(t, s, 2)
	told := s.theClient(t, "told")
	told.sending.Lock() // as whoever pushes has it
	k.send("PING one")
	until(t, "the client has left", func() bool { return !told.guard.Polled().Joined() })
	if got := other.do("PING"); got != "+PONG" {
		t.Errorf("the other hears %q", got)
	}
	told.sending.Unlock()
	k.want("one")
	inLoop(t, s, 2)
}
