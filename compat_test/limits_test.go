package compat_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// neverRead pipelines GETs of a 1 MB value on c until the server takes no more of them, or
// closes it because others wait, too.
func neverRead(c *client) error {
	gets := bytes.Repeat(encode("GET", "mb"), 1000)
	for range 2000 {
		if err := c.conn.SetWriteDeadline(time.Now().Add(300 * time.Millisecond)); err != nil {
			return err
		}
		if _, err := c.conn.Write(gets); errors.Is(err, os.ErrDeadlineExceeded) || isHangUp(err) {
			return nil
		} else if err != nil {
			return err
		}
	}
	return errors.New("the server read 2,000,000 GETs of a client that reads no reply")
}

// setMB sets the key mb to a megabyte.
func setMB(t *testing.T, s *server) {
	t.Helper()
	if v := dial(t, s.Addr).Do("SET", "mb", blockOf[:1<<20]); v.text != "OK" {
		t.Fatal(v)
	}
}

func TestClientsThatDoNotReadCostNeitherMemoryNorOthersTime(t *testing.T) {
	requireProc(t)
	s := startServer(t, subjectBin(t), "--maxmemory-clients", "100mb")
	setMB(t, s)
	before := s.memoryLine("VmRSS")
	const readers = 20
	errs := make([]error, readers)
	var done sync.WaitGroup
	p := startPinger(s)
	for i := range readers {
		c := dial(t, s.Addr)
		done.Go(func() { errs[i] = neverRead(c) })
	}
	done.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	worst := p.end(t)
	grown := s.memoryLine("VmHWM") - before
	t.Logf("%d clients with replies of 1 MB unread: %d MB more; another client waited at most %v", readers, grown>>20, worst)
	if grown > 64<<20 {
		t.Errorf("%d clients that do not read cost %d MB", readers, grown>>20)
	}
	if worst > time.Second {
		t.Errorf("another client waited %v", worst)
	}
	if each, sum := unsentOf(t, dial(t, s.Addr)); sum < 50<<20 || sum > 100<<20 {
		t.Errorf("CLIENT LIST does not show what waits for the clients that do not read: %v", each)
	}
	start := time.Now()
	if code := s.Terminate(); code != 0 || time.Since(start) > dockerWaits {
		t.Errorf("SIGTERM with clients that do not read: status %d after %v", code, time.Since(start))
	}
}

// waitClosed returns how long it took the server to hang up on a client that reads nothing.
func waitClosed(t *testing.T, s *server, id string, start time.Time) time.Duration {
	t.Helper()
	c := dial(t, s.Addr)
	for time.Since(start) < time.Minute {
		if v := c.Do("CLIENT", "LIST", "ID", id); v.Text() == "" {
			return time.Since(start)
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("the client is still there:\n%s", c.Do("CLIENT", "LIST"))
	return 0
}

// wantUnreadClosed asks for that many replies of a megabyte, reads none, and is closed a second later.
func wantUnreadClosed(t *testing.T, s *server, replies int) {
	t.Helper()
	setMB(t, s)
	c := dial(t, s.Addr)
	id := c.Do("CLIENT", "ID").text
	start := time.Now()
	c.SendRaw(bytes.Repeat(encode("GET", "mb"), replies))
	if took := waitClosed(t, s, id, start); took < time.Second {
		t.Errorf("closed after %v in place of 1 s", took)
	}
}

func TestTheSoftOutputLimitEndsAClientThatTakesTooLong(t *testing.T) {
	s := startServer(t, subjectBin(t), "--client-output-buffer-limit", "normal 0 100kb 1")
	wantUnreadClosed(t, s, 50)
	info := dial(t, s.Addr).Do("INFO", "stats").Text()
	if n := infoField(info, "client_output_buffer_limit_disconnections"); n != "1" {
		t.Errorf("INFO counts %q such ends", n)
	}
	logSays(t, s, "soft limit")
}

// Its time runs while nothing more is published, too.
func TestTheSoftOutputLimitEndsASubscriberThatReadsNothing(t *testing.T) {
	s := startServer(t, subjectBin(t), "--client-output-buffer-limit", "pubsub 0 100kb 1")
	setMB(t, s)
	c, publisher := dial(t, s.Addr), dial(t, s.Addr)
	id := c.Do("CLIENT", "ID").text
	c.Do("SUBSCRIBE", "channel")
	message := strings.Repeat("x", 1<<20)
	start := time.Now()
	for range 20 { // more than the sockets hold
		publisher.Do("PUBLISH", "channel", message)
	}
	if took := waitClosed(t, s, id, start); took < time.Second {
		t.Errorf("closed after %v in place of 1 s", took)
	}
}

func TestAClientThatFallsBelowTheSoftLimitInBetweenIsNotClosed(t *testing.T) {
	const limit = 2 * time.Second
	s := startServer(t, subjectBin(t), "--client-output-buffer-limit", fmt.Sprintf("normal 0 100kb %d", int(limit.Seconds())))
	setMB(t, s)
	c := dial(t, s.Addr)
	for start := time.Now(); time.Since(start) < limit*3/2; {
		sent := time.Now()
		err := c.write(bytes.Repeat(encode("GET", "mb"), 20))
		time.Sleep(20 * time.Millisecond)
		for i := 0; i < 20 && err == nil; i++ {
			err = c.receiveBig(1<<20, patterned)
		}
		if took := time.Since(sent); err != nil && took < limit {
			t.Fatalf("%v after %v", err, took)
		} else if err != nil { // the machine has let it be above the limit for so long
			c = dial(t, s.Addr)
			start = time.Now()
		}
	}
}

func TestTheHardOutputLimitEndsAClientWhoseReplyIsLarger(t *testing.T) {
	s := startServer(t, subjectBin(t), "--client-output-buffer-limit", "normal 2mb 0 0")
	setMB(t, s)
	c := dial(t, s.Addr)
	if v := c.Do("GET", "mb"); len(v.text) != 1<<20 {
		t.Fatalf("a reply below the limit: %.100s", v)
	}
	c.SendRaw(encode("MGET", "mb", "mb", "mb"))
	if v, err := c.readOutcome(replyTimeout); err != nil || v.kind != kindClosed {
		t.Errorf("MGET of 3 MB: %.100s, %v", v, err)
	}
	c = dial(t, s.Addr)
	c.SendRaw(slices.Concat(encode("MULTI"), bytes.Repeat(encode("GET", "mb"), 3), encode("SET", "after", "1"), encode("EXEC")))
	for _, want := range []string{"OK", "QUEUED", "QUEUED", "QUEUED", "QUEUED"} {
		if v, err := c.readOutcome(replyTimeout); err != nil || v.text != want {
			// Replies of the same batch go down with the one that is too large.
			if v.kind != kindClosed {
				t.Errorf("%s before EXEC: %.100s, %v", want, v, err)
			}
			break
		}
	}
	if v, err := c.readOutcome(replyTimeout); err != nil || v.kind != kindClosed {
		t.Errorf("EXEC of 3 MB: %.100s, %v", v, err)
	}
	c = dial(t, s.Addr)
	if v := c.Do("GET", "after"); v.text != "1" {
		t.Errorf("what the transaction wrote: %s", v)
	}
	if n := infoField(c.Do("INFO", "stats").Text(), "client_output_buffer_limit_disconnections"); n != "2" {
		t.Errorf("INFO counts %q such ends", n)
	}
}

func TestTheTimeoutEndsAClientThatDoesNotReadItsReplies(t *testing.T) {
	s := startServer(t, subjectBin(t), "--timeout", "1")
	wantUnreadClosed(t, s, 50) // its socket's buffers grow while they fill, and each byte that they take counts as read
}

func TestATransactionMayNotOutgrowTheQueryBufferLimit(t *testing.T) {
	s := startServer(t, subjectBin(t), "--client-query-buffer-limit", "2mb")
	c := dial(t, s.Addr)
	c.Do("MULTI")
	queued := 0
	for ; queued < 100; queued++ {
		if err := c.write(encode("SET", "k", blockOf[:100<<10])); err != nil {
			break
		}
		if v, err := c.readOutcome(replyTimeout); err != nil || v.kind == kindClosed {
			break
		}
	}
	if queued < 15 || queued > 21 {
		t.Errorf("%d commands of 100 KB were queued with a limit of 2 MB", queued)
	}
	if v := dial(t, s.Addr).Do("EXISTS", "k"); v.text != "0" {
		t.Errorf("the transaction of the closed client ran")
	}
}
