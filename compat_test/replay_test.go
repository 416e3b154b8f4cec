package compat_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// dialect says which of a step's replies are a server's.
type dialect int

const (
	redis70 dialect = iota // the server that most blocks are recorded from
	redis72
	redis74 // the server that the others are recorded from
	diskette
)

func TestScripts(t *testing.T) {
	scripts := allScripts(t)
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
	if d := p.subject.dialect; d != redis70 && d != redis74 {
		t.Fatalf("%s is neither redis-server 7.0 nor 7.4: the recordings must be of these versions", p.subject.bin)
	}
	for _, s := range scripts {
		if !playScript(t, p, s) {
			continue // it keeps what it had
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
	if p.live != nil && p.apart > 0 {
		t.Logf("NOT COMPARED: blocks that are recorded from another version than that of %s, played on Diskette alone: %d; "+
			"-redis PATH names another server", p.live.bin, p.apart)
	}
	if t.Failed() && p.subject.died() {
		t.Fatalf("the server died:\n%s", p.subject.Log)
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
	case strings.HasPrefix(version, "7.4."):
		s.dialect = redis74
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
	apart   int // blocks that live was not asked
}

// playScript runs the script's blocks and says whether none failed.
func playScript(t *testing.T, p *player, s *script) bool {
	return t.Run(strings.TrimSuffix(filepath.Base(s.path), ".txt"), func(t *testing.T) {
		for _, b := range s.blocks() {
			t.Run(b.name, func(t *testing.T) {
				if d := p.subject.dialect; d < b.recorder || p.record && d != b.recorder {
					t.Skipf("NOT CHECKED: %s is of another version than the one that %s:%d is recorded from", p.subject.bin, s.path, b.line)
				}
				p.play(t, s.path, b)
			})
		}
	})
}

func (p *player) play(t *testing.T, path string, b *block) {
	for protocol := 2; protocol <= 3; protocol++ {
		if b.only != "" && b.only != "resp"+strconv.Itoa(protocol) {
			continue
		}
		stages := []*stage{newStage(t, p.subject, b, protocol)}
		if p.live != nil && p.live.dialect != b.recorder {
			if protocol == 2 || b.only != "" {
				p.apart++
			}
		} else if p.live != nil {
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
			t.Errorf("%s:%d: RESP%d\n  %s\nno reply is recorded: run go test ./compat_test -run TestScripts$ -record", path, s.line, st.protocol, s.source)
			return false
		}
		st.check(t, path, s, outcomes[i], outcomes)
	}
	return true
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
		if st.subject.dialect != diskette {
			failure += "\nthe recording is stale: that is what the live redis-server says"
		} else {
			failure += "\nthe live redis-server says:\n" + indent(outcomes[1].lines(protocol))
		}
	}
	t.Error(failure)
}

func indent(lines []string) string { return "    " + strings.Join(lines, "\n    ") }
