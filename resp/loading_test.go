package resp

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"diskette/store"
)

// Clients that come while a server loads are served when it has, whatever they did meanwhile.
func TestAServerThatLoadsGetsItsStoreUnderItsClients(t *testing.T) {
	cfg, _, err := LoadConfig([]string{"--dir", t.TempDir(), "--event-loops", eventLoops})
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(cfg, zerolog.Nop(), nil)
	loading := s.BeginLoading(100)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go s.Serve(ln)
	const script = "PING\r\nINFO\r\nWATCH a\r\nMULTI\r\nECHO x\r\nEXEC\r\nMULTI\r\nGET a\r\nEXEC\r\nPUBLISH c m\r\n" +
		"CONFIG RESETSTAT\r\nLASTSAVE\r\nCLIENT LIST\r\nCLIENT UNBLOCK 1\r\nCLIENT TRACKING ON\r\nDEBUG SLEEP 0\r\n" +
		"SELECT 1\r\nCONFIG SET maxmemory 100mb\r\n" +
		"LATENCY DOCTOR\r\nSLOWLOG GET\r\nACL WHOAMI\r\nCOMMAND COUNT\r\nUNWATCH\r\nRESET\r\nSET a b\r\nECHO end\r\n"
	var wait sync.WaitGroup
	serve := make(chan struct{})
	heard, refusedOnce := make(chan string, 64), make(chan struct{})
	for range 4 {
		wait.Go(func() {
			c, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			r := bufio.NewReader(c)
			for served := false; ; {
				fmt.Fprint(c, script)
				first := ""
				for line := ""; line != "end\r\n"; {
					if line, err = r.ReadString('\n'); err != nil {
						t.Error(err)
						return
					}
					if strings.Contains(line, "internal error") {
						t.Error(line)
					}
					if first == "" {
						first = line
						heard <- line
					}
				}
				if served {
					return
				}
				select {
				case <-serve:
					served = true
				default:
				}
			}
		})
	}
	go func() {
		for i := range int64(10) {
			loading.Note(i, i, i)
			time.Sleep(5 * time.Millisecond)
		}
		<-refusedOnce
		st, err := store.Open(store.Options{Dir: cfg.Text("dir"), Hooks: s.Hooks()})
		if err != nil {
			t.Error(err)
			close(serve)
			return
		}
		s.Start(st)
		close(serve)
		wait.Wait()
		s.Stop(time.Second)
		if err := st.Close(); err != nil {
			t.Error(err)
		}
		close(heard)
	}()
	refused, ponged := false, false
	for line := range heard {
		if strings.HasPrefix(line, "-LOADING") && !refused {
			refused = true
			close(refusedOnce)
		}
		ponged = ponged || line == "+PONG\r\n"
	}
	if !refused || !ponged {
		t.Errorf("-LOADING was heard: %v; PONG: %v", refused, ponged)
	}
}
