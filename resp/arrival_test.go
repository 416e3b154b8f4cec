package resp

import (
	"io"
	"net"
	"runtime"
	"syscall"
	"testing"
	"time"

	"diskette/expire"
	"diskette/resp/wire"
)

// connected is a client of a server that has nothing else, and its connection.
func connected(t *testing.T, s *Server) (*client, *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); accepted.Close() })
	return &client{srv: s, guard: wire.NewGuard(accepted, &s.limits), since: expire.NowMillis()}, conn.(*net.TCPConn)
}

// arrivesSaying is one that has just connected and sent something, which has come.
func arrivesSaying(t *testing.T, s *Server, words string) *client {
	t.Helper()
	cl, conn := connected(t, s)
	s.arrivals.note(cl)
	io.WriteString(conn, words)
	waitUntil(t, func() bool { return wire.DescriptorsReadable([]syscall.RawConn{cl.guard.Raw()})[0] })
	return cl
}

// runsAll is a client's goroutine: it reads a batch, and runs it in no time.
func runsAll(t *testing.T, cl *client) {
	cmds, err := cl.guard.ReadBatch(maxBatch)
	if err != nil {
		t.Error(err)
	}
	cl.commands.Add(int64(len(cmds)))
	cl.noteRun()
}

func waitUntil(t *testing.T, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for ", patience)
		}
	}
}

func requireDescriptors(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("NOT CHECKED: this system does not say whether bytes wait in a socket")
	}
}

func TestAPublisherWaitsForWhatCameBeforeItAndNoLonger(t *testing.T) {
	requireDescriptors(t)
	s := new(Server)
	publisher, _ := connected(t, s)
	cl := arrivesSaying(t, s, "SUBSCRIBE ch\r\n")
	go func() {
		for !s.arrivals.awaited.Load() {
			time.Sleep(time.Millisecond)
		}
		runsAll(t, cl)
	}()
	arrived := cl.arrival.at.Load()
	if !publisher.letEarlierRun(arrived) {
		t.Fatal("it has not waited")
	}
	if cl.commands.Load() != 1 && cl.arrival.inVain.Load() == 0 {
		t.Error("it has not waited until the command had run, nor as long as it may")
	}
	waitUntil(t, func() bool { return cl.commands.Load() == 1 })
	if publisher.letEarlierRun(arrived) {
		t.Error("it waits although everything has run")
	}
}

func TestAPublisherDoesNotWaitForThoseWhoDoSomethingElse(t *testing.T) {
	requireDescriptors(t)
	for name, make := range map[string]func(s *Server) *client{
		"one who has connected and is silent": func(s *Server) *client {
			cl, _ := connected(t, s)
			s.arrivals.note(cl)
			return cl
		},
		"one who has been here for long": func(s *Server) *client {
			cl := arrivesSaying(t, s, "GET k\r\n")
			cl.arrival.at.Add(-arrivalMillis)
			return cl
		},
		"one who runs commands of other kinds": func(s *Server) *client {
			cl := arrivesSaying(t, s, "GET k\r\n")
			cl.commands.Add(arrivalCommands + 1)
			return cl
		},
		"one who is blocked": func(s *Server) *client {
			cl := arrivesSaying(t, s, "GET k\r\n")
			cl.blocked.Store(true)
			return cl
		},
		"one who has ended": func(s *Server) *client {
			cl := arrivesSaying(t, s, "GET k\r\n")
			s.arrivals.leave(cl)
			return cl
		},
	} {
		s := new(Server)
		publisher, _ := connected(t, s)
		make(s)
		s.arrivals.note(publisher)
		if publisher.letEarlierRun(expire.NowMillis()) {
			t.Errorf("it waits for %s", name)
		}
	}
}

func TestWhatAClientHasSentIsWaitedForInVainOnce(t *testing.T) {
	requireDescriptors(t)
	s := new(Server)
	publisher, _ := connected(t, s)
	cl := arrivesSaying(t, s, "GET k\r\n")
	arrived := cl.arrival.at.Load()
	for i, want := range []bool{true, false, false} {
		if waited := publisher.letEarlierRun(arrived); waited != want {
			t.Errorf("the %d. time it waits: %v", i+1, waited)
		}
	}
	runsAll(t, cl)
	if publisher.letEarlierRun(arrived) {
		t.Error("it waits although everything has run")
	}
}

func TestAPublisherWaitsForWhoIsBeingAccepted(t *testing.T) {
	requireDescriptors(t)
	s := new(Server)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s.arrivals.listens(ln)
	publisher, _ := connected(t, s)
	conn, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, knocks := s.arrivals.underWay(publisher, expire.NowMillis()); !knocks {
		t.Error("who stands before the door is not seen")
	}
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	s.arrivals.coming.Add(1)
	if !publisher.letEarlierRun(expire.NowMillis()) {
		t.Error("who is being accepted is not waited for")
	}
	s.arrivals.noteAccepted()
	if publisher.letEarlierRun(expire.NowMillis()) {
		t.Error("it waits for who has been accepted and has sent nothing")
	}
}
