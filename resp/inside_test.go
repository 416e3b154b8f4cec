package resp

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"diskette/store"
)

// inner talks over a connection of the process's own.
func inner(t *testing.T, conn net.Conn, err error) *talker {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &talker{t, conn, bufio.NewReader(conn)}
}

func (k *talker) ask(command string) string {
	k.t.Helper()
	k.send(command)
	line, err := k.r.ReadString('\n')
	if err != nil {
		k.t.Fatalf("%s: %v", command, err)
	}
	return strings.TrimRight(line, "\r\n")
}

func TestAPartOfTheProcessIsAClientWithTheAddressOfWhomItActsFor(t *testing.T) {
	_, s := startServing(t)
	near, far := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 50000}, &net.TCPAddr{IP: net.IPv4(203, 0, 113, 5), Port: 50000}
	conn, err := s.Connect(far, near)
	if got, _ := inner(t, conn, err).r.ReadString('\n'); !strings.HasPrefix(got, "-DENIED") {
		t.Errorf("protected mode says %q to another machine", got)
	}
	conn, err = s.ConnectOwn(near, near)
	own := inner(t, conn, err)
	for _, command := range []string{"CONFIG SET requirepass secret", "ACL SETUSER ann on >word +get +acl|whoami ~a*", "ACL SETUSER ben off >word +@all", "SET a 1"} {
		if got := own.ask(command); got != "+OK" {
			t.Errorf("%s: %s", command, got)
		}
	}
	conn, err = s.Connect(far, near)
	stranger := inner(t, conn, err)
	if got := stranger.ask("GET a"); !strings.HasPrefix(got, "-NOAUTH") {
		t.Errorf("a stranger hears %q", got)
	}
	if got := stranger.ask("AUTH wrong"); !strings.HasPrefix(got, "-WRONGPASS") {
		t.Errorf("a wrong password: %q", got)
	}
	if n := s.authDelays.count.Load(); n != 1 {
		t.Errorf("%d failures have waited", n)
	}
	conn, err = s.ConnectAs("ann", far, near)
	ann := inner(t, conn, err)
	if got := ann.ask("GET a"); got != "$1" {
		t.Errorf("ann reads %q", got)
	}
	ann.r.ReadString('\n')
	for _, command := range []string{"GET b", "SET a 2", "CONFIG GET dir"} {
		if got := ann.ask(command); !strings.HasPrefix(got, "-NOPERM") {
			t.Errorf("ann may %s: %q", command, got)
		}
	}
	for _, name := range []string{"ben", "nobody", ""} {
		if _, err := s.ConnectAs(name, far, near); !errors.Is(err, ErrNoUser) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if got := own.ask("CLIENT KILL USER ann"); got != ":1" {
		t.Errorf("ann's connections: %s", got)
	}
	if _, err := ann.r.ReadByte(); err == nil {
		t.Error("ann is there still")
	}
}

func TestWhatAPartKeepsIsNoClientsAndIsThereAgain(t *testing.T) {
	addr, s := startServing(t)
	hits, misses := s.hitsAndMisses(t)
	if err := s.Keep(t.Context(), "test", map[string][]byte{"a": []byte("1"), "b": {0, 255}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Keep(t.Context(), "test", map[string][]byte{"a": []byte("2")}); err != nil {
		t.Fatal(err)
	}
	k := talk(t, addr)
	for command, want := range map[string]string{"FLUSHALL": "+OK", "DBSIZE": ":0", "EXISTS kept:test": ":0"} {
		k.send(command)
		if line, _ := k.r.ReadString('\n'); strings.TrimSpace(line) != want {
			t.Errorf("%s: %q", command, line)
		}
	}
	kept, err := s.Kept(t.Context(), "test")
	if err != nil || len(kept) != 2 || kept["a"] != "2" || kept["b"] != "\x00\xff" {
		t.Errorf("%q %v", kept, err)
	}
	if kept, err := s.Kept(t.Context(), "nothing"); err != nil || len(kept) != 0 {
		t.Errorf("%q %v", kept, err)
	}
	if h, m := s.hitsAndMisses(t); h != hits || m != misses+1 { // EXISTS is the client's own
		t.Errorf("%d hits and %d misses were counted", h-hits, m-misses)
	}
}

func (s *Server) hitsAndMisses(t *testing.T) (hits, misses int64) {
	t.Helper()
	st, err := s.store.Stats(false)
	if err != nil {
		t.Fatal(err)
	}
	return st.Hits, st.Misses
}

// A follower may go on with its master's stream for as long as nothing but the stream has changed the data. What a part
// keeps is none of the data.
func TestKeepingSomethingLeavesAFollowersPlaceInTheStream(t *testing.T) {
	addr, s := startServing(t)
	st := s.store
	func() {
		st.Lock()
		defer st.Unlock()
		tx := st.Begin(0, 1)
		s.follow.keep(tx, position{id: strings.Repeat("a", 40), offset: 12})
		tx.End()
	}()
	if p := s.follow.resumable(); p.offset != 12 {
		t.Fatalf("before: %+v", p)
	}
	for _, value := range []string{"1", "2"} {
		if err := s.Keep(t.Context(), "test", map[string][]byte{"a": []byte(value)}); err != nil {
			t.Fatal(err)
		}
		if p := s.follow.resumable(); p.offset != 12 {
			t.Errorf("after what was kept: %+v", p)
		}
	}
	k := talk(t, addr)
	k.send("SET a 1")
	k.r.ReadString('\n')
	if err := s.Keep(t.Context(), "test", map[string][]byte{"a": []byte("3")}); err != nil {
		t.Fatal(err)
	}
	if p := s.follow.resumable(); p.id != "" {
		t.Errorf("after a client's write: %+v", p)
	}
}

func TestNothingIsKeptBeforeThereIsAStore(t *testing.T) {
	cfg, _, err := LoadConfig([]string{"--dir", t.TempDir(), "--event-loops", eventLoops})
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(cfg, zerolog.Nop())
	if err := s.Keep(t.Context(), "test", nil); err == nil {
		t.Error("it was kept")
	}
	if _, err := s.Kept(t.Context(), "test"); err == nil {
		t.Error("something was found")
	}
	if err := s.Ready(); err == nil {
		t.Error("it is ready")
	}
}

// Whoever ends the server waits for its parts: one that waits for a script in turn would keep it from ending.
func TestKeepingSomethingGivesUpWhileAScriptRuns(t *testing.T) {
	_, s := startServing(t)
	over, ended := make(chan struct{}), make(chan struct{})
	s.store.Lock()
	go func() {
		defer close(ended)
		defer s.store.Unlock()
		for {
			select {
			case <-over:
				return
			default:
				s.store.LetLookIn()
			}
		}
	}()
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 2)
	go func() { failed <- s.Keep(ctx, "test", map[string][]byte{"a": []byte("1")}) }()
	go func() {
		_, err := s.Kept(ctx, "test")
		failed <- err
	}()
	cancel()
	for range 2 {
		select {
		case err := <-failed:
			if !errors.Is(err, store.ErrBusy) {
				t.Errorf("%v", err)
			}
		case <-time.After(time.Minute):
			t.Error("it waits for the script")
		}
	}
	close(over)
	<-ended
	if err := s.Keep(t.Context(), "test", map[string][]byte{"a": []byte("1")}); err != nil {
		t.Error(err)
	}
}

func TestWhatTheServerAsksItselfIsNobodysUse(t *testing.T) {
	_, s := startServing(t)
	near := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 50000}
	conn, err := s.ConnectAs("default", near, near)
	user := inner(t, conn, err)
	conn, err = s.ConnectOwn(near, near)
	own := inner(t, conn, err)
	for _, command := range []string{"CONFIG SET slowlog-log-slower-than 0", "SET a 1", "CONFIG RESETSTAT", "SLOWLOG RESET"} {
		if got := user.ask(command); got != "+OK" {
			t.Fatalf("%s: %s", command, got)
		}
	}
	before := s.stats.commands.Load()
	for range 50 {
		own.ask("TTL a")
		own.ask("HGET a b")
		own.ask("OBJECT FREQ a")
	}
	if n := s.stats.commands.Load() - before; n > 4 { // the user's
		t.Errorf("%d commands were counted", n)
	}
	length, _ := strconv.Atoi(strings.TrimPrefix(user.ask("INFO commandstats errorstats stats"), "$"))
	text := make([]byte, length+2)
	if _, err := io.ReadFull(user.r, text); err != nil {
		t.Fatal(err)
	}
	info := string(text)
	if !strings.Contains(info, "cmdstat_") || !strings.Contains(info, "keyspace_hits:0\r\n") || strings.Contains(info, "cmdstat_ttl:") || strings.Contains(info, "cmdstat_hget:") || strings.Contains(info, "errorstat_") {
		t.Errorf("INFO has %s", info)
	}
	if got := user.ask("SLOWLOG LEN"); got != ":0" && got != ":1" && got != ":2" {
		t.Errorf("the slow log has %s", got)
	}
}

// Who looks at a key on the page, whatever his permissions, is no user of the cache.
func TestWhatAPartOfTheProcessLooksUpIsNoUseOfAKey(t *testing.T) {
	addr, s := startServing(t)
	k := talk(t, addr)
	for _, command := range []string{"ACL SETUSER ann on nopass +get ~*", "SET a 1"} {
		if got := k.ask(command); got != "+OK" {
			t.Errorf("%s: %s", command, got)
		}
	}
	hits, misses := s.hitsAndMisses(t)
	here := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 50000}
	conn, err := s.ConnectAs("ann", here, here)
	ann := inner(t, conn, err)
	if got := ann.ask("GET a"); got != "$1" {
		t.Errorf("ann reads %q", got)
	}
	ann.r.ReadString('\n')
	if got := ann.ask("GET none"); got != "$-1" {
		t.Errorf("ann reads %q", got)
	}
	if h, m := s.hitsAndMisses(t); h != hits || m != misses {
		t.Errorf("%d hits and %d misses were counted", h-hits, m-misses)
	}
	conn, err = s.ConnectOwn(here, here)
	own := inner(t, conn, err)
	own.ask("CLIENT LIST TYPE normal")
	found := false
	for line, err := own.r.ReadString('\n'); err == nil && len(line) > 2; line, err = own.r.ReadString('\n') {
		found = found || strings.Contains(line, "user=ann") && strings.Contains(line, "flags=T")
	}
	if !found {
		t.Error("ann's looks touch keys")
	}
}

// The server's own connection is none of its clients: nobody lists, counts, closes or bounds it.
func TestTheServersOwnConnectionIsNoClient(t *testing.T) {
	addr, s := startServing(t)
	k := talk(t, addr)
	for _, command := range []string{"CONFIG SET maxclients 1", "CONFIG RESETSTAT"} {
		if got := k.ask(command); got != "+OK" {
			t.Fatalf("%s: %s", command, got)
		}
	}
	here := &net.UnixAddr{Name: "here", Net: "unix"}
	conn, err := s.ConnectOwn(here, here)
	own := inner(t, conn, err)
	if got := own.ask("SET a 1"); got != "+OK" {
		t.Errorf("beside as many clients as there may be: %s", got)
	}
	before := s.clients.traffic()
	until(t, "all of the client's bytes are counted, perhaps after it has read them", func() bool {
		was := before
		before = s.clients.traffic()
		return before.Out == int64(len("+OK\r\n")) && before == was // RESETSTAT's own reply comes behind it
	})
	own.ask("GET a")
	own.r.ReadString('\n')
	if now := s.clients.traffic(); now != before {
		t.Errorf("its bytes count: %+v, then %+v", before, now)
	}
	if list := k.raw("CLIENT LIST"); strings.Count(list, "laddr=") != 1 {
		t.Errorf("CLIENT LIST: %s", list)
	}
	info := k.raw("INFO")
	for _, want := range []string{"connected_clients:1\r\n", "total_connections_received:0\r\n"} {
		if !strings.Contains(info, want) {
			t.Errorf("INFO lacks %q", want)
		}
	}
	for _, filter := range []string{"USER default", "TYPE normal", "LADDR here"} {
		if got := k.ask("CLIENT KILL SKIPME yes " + filter); got != ":0" {
			t.Errorf("CLIENT KILL %s: %s", filter, got)
		}
	}
	if got := own.ask("PING"); got != "+PONG" {
		t.Errorf("after CLIENT KILL: %s", got)
	}
	conn, err = s.Connect(here, here)
	if got, _ := inner(t, conn, err).r.ReadString('\n'); !strings.HasPrefix(got, "-ERR max number of clients") {
		t.Errorf("a part that acts for somebody is a client: %q", got)
	}
}
