package compat_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// quiet is how long a client listens before it says that nothing came.
const quiet = 150 * time.Millisecond

// stage is one run of a block on one server in one protocol: its connections
// and what its replies captured.
type stage struct {
	t        testing.TB
	subject  *subject
	protocol int
	clients  map[int]*actor
	vars     variables
	hello    bool // connections start with HELLO 3
	full     bool // the server is at its bound
}

// actor is a connection and the protocol that it speaks at the moment.
type actor struct {
	*client
	protocol int
}

func newStage(t *testing.T, s *subject, b *block, protocol int) *stage {
	t.Helper()
	st := &stage{t: t, subject: s, protocol: protocol, clients: make(map[int]*actor), vars: make(variables)}
	st.hello = protocol == 3
	if b.serverArgs != nil {
		own := startServer(t, s.bin, append([]string{"--save", "", "--appendonly", "no"}, b.serverArgs...)...)
		st.subject = &subject{server: own, dialect: s.dialect}
		return st
	}
	c := dial(t, s.Addr)
	defer c.Close()
	c.Do("CLIENT", "UNPAUSE") // a block that failed may have left the server paused
	if v := c.Do("FLUSHALL"); v.text != "OK" {
		t.Fatalf("FLUSHALL before the block: %s", v)
	}
	// The server may not have seen yet that the last block's subscribers hung up: they would still be counted.
	await(t, "the last block's subscribers leave", func() bool {
		list := c.Do("CLIENT", "LIST").Text()
		return strings.Count(list, "\n") == strings.Count(list, " sub=0 psub=0 ")
	})
	return st
}

func (st *stage) close() {
	if st.full {
		if err := st.bound(false); err != nil {
			st.t.Error(err)
		}
	}
	for _, c := range st.clients {
		c.Close()
	}
}

// actor is the connection of that number, opened if it is new.
func (st *stage) actor(number int) (*actor, error) {
	if a := st.clients[number]; a != nil {
		return a, nil
	}
	a := &actor{client: dial(st.t, st.subject.Addr), protocol: 2}
	st.clients[number] = a
	st.vars["addr"+strconv.Itoa(number)] = a.conn.LocalAddr().String()
	if st.hello {
		if v := a.Do("HELLO", "3"); v.kind != kindMap {
			return nil, fmt.Errorf("HELLO 3 before the block: %s", v)
		}
		a.protocol = 3
	}
	return a, nil
}

// speaks is the protocol of that connection.
func (st *stage) speaks(number int) int {
	if a := st.clients[number]; a != nil {
		return a.protocol
	}
	return 2
}

// take does what the step says and returns what came back.
func (st *stage) take(s *step, recording bool) (value, error) {
	if was, err := st.aside(s); was {
		return value{}, err
	}
	a, err := st.actor(s.client)
	if err != nil {
		return value{}, err
	}
	want := s.wanted(st.subject.dialect, st.protocol)
	wait := replyTimeout
	if want != nil && want.want.text == "(no reply)" || want == nil && recording && s.verb == "<" {
		wait = quiet
	}
	switch s.verb {
	case "raw>":
		return a.exchangeRaw(s.text, want, recording)
	case "<":
		return a.readOutcome(wait)
	}
	args, err := st.arguments(s.text)
	if err != nil {
		return value{}, err
	}
	if s.verb == "scan>" {
		return a.scan(args)
	}
	if err := a.write(encode(args...)); err != nil && !isHangUp(err) {
		return value{}, err
	}
	if s.verb == "&" {
		return value{}, nil
	}
	got, err := a.readOutcome(wait)
	a.noteProtocol(args[0].(string), got)
	return got, err
}

// aside does a step of which no reply comes, and reports whether it is one.
func (st *stage) aside(s *step) (was bool, err error) {
	switch s.verb {
	case "sleep":
		var millis int
		millis, err = strconv.Atoi(s.text)
		time.Sleep(time.Duration(millis) * time.Millisecond)
	case "close":
		if a := st.clients[s.client]; a != nil {
			a.Close()
			delete(st.clients, s.client)
		}
	case "blocked":
		err = st.awaitListed(s.client, func(flags string) bool { return strings.Contains(flags, "b") })
	case "gone":
		err = st.awaitListed(s.client, func(flags string) bool { return flags == "" })
	case "until":
		var a *actor
		if a, err = st.actor(s.client); err == nil {
			err = a.awaitInfo(s.text)
		}
	case "full", "room":
		err = st.bound(s.verb == "full")
	default:
		return false, nil
	}
	return true, err
}

// awaitListed waits until CLIENT LIST says of a connection what is wanted: its flags are "" when it is not there.
func (st *stage) awaitListed(number int, wanted func(flags string) bool) error {
	c := dial(st.t, st.subject.Addr)
	defer c.Close()
	own, ok := st.vars["addr"+strconv.Itoa(number)]
	if !ok {
		return fmt.Errorf("connection %d was never opened", number)
	}
	addr := " addr=" + own + " "
	list := ""
	for end := time.Now().Add(replyTimeout); time.Now().Before(end); time.Sleep(time.Millisecond) {
		flags := ""
		v := c.Do("CLIENT", "LIST")
		if v.IsError() {
			return fmt.Errorf("CLIENT LIST: %s", v)
		}
		list = v.Text()
		for line := range strings.Lines(list) {
			if strings.Contains(line, addr) {
				_, rest, _ := strings.Cut(line, " flags=")
				flags, _, _ = strings.Cut(rest, " ")
			}
		}
		if wanted(flags) {
			return nil
		}
	}
	return fmt.Errorf("connection %d,%s, in\n%s", number, addr, list)
}

// awaitInfo waits until INFO has a line that begins with a text.
func (a *actor) awaitInfo(begins string) error {
	if begins == "" {
		return errors.New("until what?")
	}
	info := ""
	for end := time.Now().Add(replyTimeout); time.Now().Before(end); time.Sleep(time.Millisecond) {
		v, err := a.Try("INFO", "everything")
		if err != nil {
			return err
		}
		if info = v.Text(); strings.Contains(info, "\n"+begins) {
			return nil
		}
	}
	return fmt.Errorf("no line of INFO begins with %s:\n%s", begins, info)
}

// bound brings the server to its bound or takes that away.
func (st *stage) bound(full bool) error {
	c := dial(st.t, st.subject.Addr)
	defer c.Close()
	name, values := "maxmemory", map[bool]string{true: "1", false: "0"}
	if st.subject.dialect == diskette {
		name, values = "maxdisk-db", map[bool]string{true: "0 1", false: ""}
	}
	if v := c.Do("CONFIG", "SET", name, values[full]); v.text != "OK" {
		return fmt.Errorf("CONFIG SET %s %s: %s", name, values[full], v)
	}
	st.full = full
	if st.subject.dialect != diskette {
		return nil
	}
	for start := time.Now(); time.Since(start) < replyTimeout; time.Sleep(time.Millisecond) {
		if (infoField(c.Do("INFO", "bounds").Text(), "full_databases") != "0") == full {
			return nil
		}
	}
	return fmt.Errorf("INFO does not say that the bound is reached: %v", full)
}

// noteProtocol follows HELLO and RESET.
func (a *actor) noteProtocol(command string, reply value) {
	switch strings.ToUpper(command) {
	case "HELLO":
		if reply.kind == kindMap {
			a.protocol = 3
		} else if reply.kind == kindArray {
			a.protocol = 2
		}
	case "RESET":
		if reply.kind == kindSimple {
			a.protocol = 2
		}
	}
}

// exchangeRaw sends bytes and reads as many as are wanted, or, when recording,
// until the server is quiet.
func (a *actor) exchangeRaw(text string, want *reply, recording bool) (value, error) {
	b, err := rawBytes(text)
	if err != nil {
		return value{}, err
	}
	if err := a.write(b); err != nil && !isHangUp(err) {
		return value{}, err
	}
	if recording || want == nil {
		return a.readBytes(0, false, 2*quiet)
	}
	return a.readBytes(want.want.rawSize(), strings.HasSuffix(want.want.text, "(closed)"), quiet/3)
}

// rawBytes reads `"a"*100 "b"`: quoted strings, each perhaps repeated.
func rawBytes(text string) ([]byte, error) {
	var b []byte
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		if text[0] != '"' {
			return nil, fmt.Errorf("not a quoted string: %s", text)
		}
		s, rest, err := unquote(text)
		if err != nil {
			return nil, err
		}
		times := 1
		if rest != "" && rest[0] == '*' {
			digits, after, _ := strings.Cut(rest[1:], " ")
			if times, err = strconv.Atoi(digits); err != nil {
				return nil, err
			}
			rest = after
		}
		b = append(b, strings.Repeat(s, times)...)
		text = rest
	}
	return b, nil
}

// scan iterates to the end and returns what came back, sorted and each once:
// elements, or pairs of them for the commands that return pairs.
func (a *actor) scan(args []any) (value, error) {
	at := 1
	name := strings.ToUpper(args[0].(string))
	if name != "SCAN" {
		at = 2
	}
	pairs := name == "HSCAN" || name == "ZSCAN"
	cursor := "0"
	seen := make(map[string]bool)
	all := value{kind: kindArray}
	for range 100_000 {
		v, err := a.Try(slices.Insert(slices.Clone(args), at, any(cursor))...)
		if err != nil || v.IsError() {
			return v, err
		}
		if len(v.elems) != 2 || v.elems[0].kind != kindBulk || v.elems[1].kind != kindArray {
			return value{}, fmt.Errorf("not a cursor and an array: %s", v)
		}
		all.elems = appendNew(all.elems, v.elems[1].elems, pairs, seen)
		if cursor = v.elems[0].text; cursor == "0" {
			return all.sorted(pairs), nil
		}
	}
	return value{}, fmt.Errorf("the iteration does not end")
}

func appendNew(all, page []value, pairs bool, seen map[string]bool) []value {
	step := 1
	if pairs {
		step = 2
	}
	for i := 0; i+step <= len(page); i += step {
		if key := page[i].text; !seen[key] {
			seen[key] = true
			all = append(all, page[i:i+step]...)
		}
	}
	return all
}

var (
	clock    = regexp.MustCompile(`<(now|ms)([+-][0-9]+)>`)
	repeated = regexp.MustCompile(`^<(.)\*([0-9]+)>$`)
	name     = regexp.MustCompile(`<([a-z][a-z0-9]*)>`)
)

// arguments splits a command and computes the arguments that the package comment lists.
func (st *stage) arguments(text string) ([]any, error) {
	words, err := splitArgs(text)
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return nil, fmt.Errorf("no command")
	}
	args := make([]any, len(words))
	for i, word := range words {
		if m := repeated.FindStringSubmatch(word); m != nil {
			n, err := strconv.Atoi(m[2])
			if err != nil {
				return nil, err
			}
			args[i] = strings.Repeat(m[1], n)
			continue
		}
		word = clock.ReplaceAllStringFunc(word, func(s string) string {
			m := clock.FindStringSubmatch(s)
			offset, _ := strconv.ParseInt(m[2], 10, 64) // the expression admits digits only
			if m[1] == "now" {
				return strconv.FormatInt(time.Now().Unix()+offset, 10)
			}
			return strconv.FormatInt(time.Now().UnixMilli()+offset, 10)
		})
		args[i] = name.ReplaceAllStringFunc(word, func(s string) string {
			if val, ok := st.vars[s[1:len(s)-1]]; ok {
				return val
			}
			return s
		})
	}
	return args, nil
}
