package compat_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// script is one file. Its paragraphs are blocks and prose, in order.
type script struct {
	path       string
	paragraphs []*block
}

// block is one test; without steps it is prose.
type block struct {
	line   int      // of its first line in the file, from 1
	header []string // comment lines, the name first
	steps  []*step
	tail   []string // comment lines after the last step

	name       string
	serverArgs []string
	only       string  // "resp2", "resp3" or ""
	recorder   dialect // of the server that gave the replies; diskette = they are written by hand
}

// step is one thing that the test does, with the replies that it wants.
type step struct {
	line     int
	comments []string // lines above it
	source   string   // the line itself
	client   int      // number of the connection, from 1
	verb     string   // one of > & < raw> scan> close blocked gone until sleep full room
	text     string   // the rest of the line
	replies  []*reply
}

// reply is what a step wants in one case. The case without a label is the
// recording server's reply in RESP2, and in RESP3 unless there is one labelled so.
type reply struct {
	label   string // "", "resp3", "7.2", "7.2 resp3", "diskette", "diskette resp3"
	heading string // the line that gave the label
	lines   []string
	want    *pattern
}

var (
	stepLine  = regexp.MustCompile(`^(?:@([0-9]+) ?)?(>|&|<|raw>|scan>|close\b|blocked$|gone$|until\b|sleep\b|full$|room$)(?: (.*))?$`)
	labelLine = regexp.MustCompile(`^@(resp3$|7\.2 resp3\b|7\.2\b|diskette resp3\b|diskette\b)(.*)$`)
)

// allScripts reads the scripts of all families.
func allScripts(t *testing.T) (scripts []*script) {
	t.Helper()
	paths, err := filepath.Glob("scripts/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		s, err := readScript(path)
		if err != nil {
			t.Fatal(err)
		}
		scripts = append(scripts, s)
	}
	return scripts
}

func readScript(path string) (*script, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := &script{path: path}
	var b *block
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimRight(line, " ")
		if line == "" {
			b = nil
			continue
		}
		if b == nil {
			b = &block{line: i + 1}
			s.paragraphs = append(s.paragraphs, b)
		}
		if err := b.add(i+1, line); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
		}
	}
	for _, b := range s.paragraphs {
		if err := b.finish(); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, b.line, err)
		}
	}
	return s, nil
}

// blocks are the paragraphs that are tests.
func (s *script) blocks() []*block {
	var blocks []*block
	for _, b := range s.paragraphs {
		if len(b.steps) > 0 {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

func (b *block) add(number int, line string) error {
	if strings.HasPrefix(line, "#") {
		if len(b.steps) == 0 {
			b.header = append(b.header, line)
		} else {
			b.tail = append(b.tail, line)
		}
		return nil
	}
	if m := stepLine.FindStringSubmatch(line); m != nil {
		s := &step{line: number, comments: b.tail, source: line, client: 1, verb: m[2], text: m[3]}
		b.tail = nil
		if m[1] != "" {
			s.client, _ = strconv.Atoi(m[1]) // the expression admits digits only
		}
		b.steps = append(b.steps, s)
		return nil
	}
	if len(b.steps) == 0 {
		return fmt.Errorf("a reply before the first command: %s", line)
	}
	if len(b.tail) > 0 {
		return errors.New("a comment between a command and its reply")
	}
	return b.steps[len(b.steps)-1].add(line)
}

func (s *step) add(line string) error {
	if m := labelLine.FindStringSubmatch(line); m != nil {
		if m[1] != "resp3" && strings.TrimSpace(m[2]) == "" {
			return fmt.Errorf("%s gives no reason", line)
		}
		s.replies = append(s.replies, &reply{label: m[1], heading: line})
		return nil
	}
	if len(s.replies) == 0 {
		s.replies = append(s.replies, &reply{})
	}
	r := s.replies[len(s.replies)-1]
	r.lines = append(r.lines, line)
	return nil
}

// finish reads the header's settings and the replies' notation.
func (b *block) finish() error {
	if len(b.steps) == 0 {
		return nil
	}
	if len(b.header) == 0 {
		return errors.New("a block without a name: it starts with a comment")
	}
	b.name = strings.TrimSpace(strings.TrimPrefix(b.header[0], "#"))
	for _, line := range b.header[1:] {
		key, val, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "#")), ": ")
		var err error
		switch key {
		case "server":
			b.serverArgs, err = splitArgs(val)
		case "only":
			if val != "resp2" && val != "resp3" {
				err = fmt.Errorf("only: %s is neither resp2 nor resp3", val)
			}
			b.only = val
		case "redis":
			recorders := map[string]dialect{"7.4": redis74, "none": diskette}
			if b.recorder = recorders[val]; b.recorder == 0 {
				err = fmt.Errorf("redis: %s is neither 7.4 nor none", val)
			}
		}
		if err != nil {
			return err
		}
	}
	for _, s := range b.steps {
		for _, r := range s.replies {
			var err error
			if r.want, err = parseReply(s.verb, r.lines); err != nil {
				return fmt.Errorf("reply to line %d: %w", s.line, err)
			}
		}
	}
	return nil
}

// reads says whether the step has a reply.
func (s *step) reads() bool {
	return s.verb == ">" || s.verb == "<" || s.verb == "raw>" || s.verb == "scan>"
}

// labelled is the reply for a case, or nil.
func (s *step) labelled(label string) *reply {
	for _, r := range s.replies {
		if r.label == label {
			return r
		}
	}
	return nil
}

// wanted is the reply that a server must give in the run in RESP2 or RESP3, or
// nil if none was recorded.
func (s *step) wanted(d dialect, run int) *reply {
	labels := []string{"resp3", ""}
	switch d {
	case redis72, redis74:
		labels = []string{"7.2 resp3", "7.2", "resp3", ""}
	case diskette:
		labels = []string{"diskette resp3", "diskette", "7.2 resp3", "7.2", "resp3", ""}
	}
	for _, label := range labels {
		if run == 2 && strings.HasSuffix(label, "resp3") {
			continue
		}
		if r := s.labelled(label); r != nil {
			return r
		}
	}
	return nil
}

// record makes got the reply of the run in RESP2 or RESP3, unless the one that
// is there matches already. The connection spoke protocol when got came, which
// HELLO and RESET make differ from the run's.
func (s *step) record(got value, run, protocol int, vars variables) error {
	base, resp3 := s.labelled(""), s.labelled("resp3")
	old := base
	if run == 3 {
		if base != nil && base.want.match(got, protocol, vars) {
			s.remove(resp3)
			return nil
		}
		old = resp3
	}
	if old != nil && old.want.match(got, protocol, vars) {
		return nil
	}
	var lines []string
	if old != nil && old.want.order() != "" {
		lines = append(lines, old.want.order())
		got = got.sorted(old.want.pairs)
	} else if run == 3 && base != nil && base.want.order() != "" && got.kind == kindArray {
		lines = append(lines, base.want.order())
		got = got.sorted(base.want.pairs)
	}
	lines = append(lines, got.lines(protocol)...)
	want, err := parseReply(s.verb, lines)
	if err != nil {
		return fmt.Errorf("line %d: what was recorded cannot be read back: %w", s.line, err)
	}
	if old == nil {
		old = s.insert(run)
	}
	old.lines, old.want = lines, want
	return nil
}

// insert makes room for a reply in its place: the unlabelled one first, RESP3's second.
func (s *step) insert(run int) *reply {
	if run == 2 {
		r := &reply{}
		s.replies = append([]*reply{r}, s.replies...)
		return r
	}
	r := &reply{label: "resp3", heading: "@resp3"}
	at := 0
	if s.labelled("") != nil {
		at = 1
	}
	s.replies = append(s.replies[:at], append([]*reply{r}, s.replies[at:]...)...)
	return r
}

func (s *step) remove(gone *reply) {
	for i, r := range s.replies {
		if r == gone {
			s.replies = append(s.replies[:i], s.replies[i+1:]...)
			return
		}
	}
}

// String is the file's text.
func (s *script) String() string {
	var lines []string
	for i, b := range s.paragraphs {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, b.header...)
		for _, step := range b.steps {
			lines = append(lines, step.comments...)
			lines = append(lines, step.source)
			for _, r := range step.replies {
				if r.heading != "" {
					lines = append(lines, r.heading)
				}
				lines = append(lines, r.lines...)
			}
		}
		lines = append(lines, b.tail...)
	}
	return strings.Join(lines, "\n") + "\n"
}
