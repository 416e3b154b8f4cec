package compat_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// quiet is how long a client listens before it says that nothing came.
const quiet = 150 * time.Millisecond

// dialect says which of a step's replies are a server's.
type dialect int

const (
	redis70 dialect = iota // the recording server
	redis72
	diskette
)

func TestScripts(t *testing.T) {
	paths, err := filepath.Glob("scripts/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	var scripts []*script
	for _, path := range paths {
		s, err := readScript(path)
		if err != nil {
			t.Fatal(err)
		}
		scripts = append(scripts, s)
	}
	if *recordFlag {
		recordAll(t, scripts)
		return
	}
	p := &player{subject: startSubject(t, subjectBin(t))}
	if *liveFlag {
		p.live = startSubject(t, redisBin(t))
	}
	playAll(t, p, scripts)
}

func recordAll(t *testing.T, scripts []*script) {
	p := &player{subject: startSubject(t, redisBin(t)), record: true}
	if p.subject.dialect != redis70 {
		t.Fatalf("%s is not redis-server 7.0: the recordings must be of that version", p.subject.bin)
	}
	for _, s := range scripts {
		playScript(t, p, s)
		if t.Failed() {
			continue
		}
		if err := os.WriteFile(s.path, []byte(s.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func playAll(t *testing.T, p *player, scripts []*script) {
	for _, s := range scripts {
		playScript(t, p, s)
	}
	for _, family := range slices.Sorted(maps.Keys(p.waiting)) {
		t.Logf("WAITING: %d blocks are not replayed until %s are built", p.waiting[family], family)
	}
	if t.Failed() && p.subject.died() {
		t.Fatalf("the server died:\n%s", p.subject.Log)
	}
	if p.subject.dialect == diskette {
		checkWaiting(t, p.subject)
	}
}

// checkWaiting fails for a family in the waiting list whose command the server knows.
func checkWaiting(t *testing.T, s *subject) {
	c := dial(t, s.Addr)
	for family, command := range waiting {
		if v := c.Do("COMMAND", "INFO", command); len(v.elems) == 1 && !v.elems[0].IsNil() {
			t.Errorf("%s are built (%s answers): take them off the list in waiting_test.go", family, command)
		}
	}
}

// subject is a server that scripts run on.
type subject struct {
	*server
	dialect dialect
}

func startSubject(t testing.TB, bin string, args ...string) *subject {
	t.Helper()
	s := &subject{server: startServer(t, bin, append([]string{"--save", "", "--appendonly", "no"}, args...)...)}
	info := dial(t, s.Addr).Do("INFO", "server").Text()
	switch version := infoField(info, "redis_version"); {
	case infoField(info, "diskette_version") != "":
		s.dialect = diskette
	case strings.HasPrefix(version, "7.0."):
		s.dialect = redis70
	default:
		s.dialect = redis72
	}
	return s
}

// player replays blocks against subject; with live, against both.
type player struct {
	subject *subject
	live    *subject // redis-server to compare with, or nil
	record  bool
	waiting map[string]int // blocks left out, by family
}

func playScript(t *testing.T, p *player, s *script) {
	t.Run(strings.TrimSuffix(filepath.Base(s.path), ".txt"), func(t *testing.T) {
		for _, b := range s.blocks() {
			if family := p.waitsFor(b); family != "" {
				if p.waiting == nil {
					p.waiting = make(map[string]int)
				}
				p.waiting[family]++
				t.Run(b.name, func(t *testing.T) { t.Skipf("%s:%d waits for %s", s.path, b.line, family) })
				continue
			}
			t.Run(b.name, func(t *testing.T) { p.play(t, s.path, b) })
		}
	})
}

// waitsFor is a family that b needs and that Diskette does not have yet, or "".
func (p *player) waitsFor(b *block) string {
	if p.subject.dialect != diskette {
		return ""
	}
	for _, family := range b.needs {
		if _, ok := waiting[family]; ok {
			return family
		}
	}
	return ""
}

func (p *player) play(t *testing.T, path string, b *block) {
	for protocol := 2; protocol <= 3; protocol++ {
		if b.only != "" && b.only != "resp"+strconv.Itoa(protocol) {
			continue
		}
		stages := []*stage{newStage(t, p.subject, b, protocol)}
		if p.live != nil {
			stages = append(stages, newStage(t, p.live, b, protocol))
		}
		for _, s := range b.steps {
			if !p.playStep(t, stages, path, s) {
				return
			}
		}
		for _, st := range stages {
			st.close()
		}
	}
}

// playStep takes one step on each stage and reports what is not as wanted.
// It returns false if the block cannot go on.
func (p *player) playStep(t *testing.T, stages []*stage, path string, s *step) bool {
	outcomes := make([]value, len(stages))
	for i, st := range stages {
		got, err := st.take(s, p.record)
		if err != nil {
			t.Errorf("%s:%d: RESP%d, %s\n  %s\n%v", path, s.line, st.protocol, st.subject.bin, s.source, err)
			return false
		}
		outcomes[i] = got
	}
	if !s.reads() {
		return true
	}
	if p.record {
		if err := s.record(outcomes[0], stages[0].protocol, stages[0].speaks(s.client), stages[0].vars); err != nil {
			t.Error(err)
			return false
		}
		return true
	}
	for i, st := range stages {
		if s.wanted(st.subject.dialect, st.protocol) == nil {
			t.Errorf("%s:%d: RESP%d\n  %s\nno reply is recorded: run go test ./compat_test -record", path, s.line, st.protocol, s.source)
			return false
		}
		st.check(t, path, s, outcomes[i], outcomes)
	}
	return true
}

// stage is one run of a block on one server in one protocol: its connections
// and what its replies captured.
type stage struct {
	t        testing.TB
	subject  *subject
	protocol int
	clients  map[int]*actor
	vars     variables
	hello    bool // connections start with HELLO 3
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
	return st
}

func (st *stage) close() {
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
	if s.verb == "sleep" {
		millis, err := strconv.Atoi(s.text)
		time.Sleep(time.Duration(millis) * time.Millisecond)
		return value{}, err
	}
	if s.verb == "close" {
		if a := st.clients[s.client]; a != nil {
			a.Close()
			delete(st.clients, s.client)
		}
		return value{}, nil
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

// check compares what came with what is wanted of this server.
func (st *stage) check(t *testing.T, path string, s *step, got value, outcomes []value) {
	t.Helper()
	protocol := st.speaks(s.client)
	want := s.wanted(st.subject.dialect, st.protocol)
	at := fmt.Sprintf("%s:%d: RESP%d\n  %s", path, s.line, st.protocol, s.source)
	if want.want.match(got, protocol, st.vars) {
		return
	}
	heading := "want:"
	if want.label != "" {
		heading = "want " + want.heading + ":"
	}
	failure := fmt.Sprintf("%s\n%s\n%s\ngot:\n%s", at, heading, indent(want.lines), indent(got.lines(protocol)))
	if len(outcomes) == 2 {
		if st.subject.dialect == redis70 {
			failure += "\nthe recording is stale: that is what the live redis-server says"
		} else {
			failure += "\nthe live redis-server says:\n" + indent(outcomes[1].lines(protocol))
		}
	}
	t.Error(failure)
}

func indent(lines []string) string { return "    " + strings.Join(lines, "\n    ") }
