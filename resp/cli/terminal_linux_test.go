package cli

import (
	"bytes"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain lets this test binary be the redis-cli that a test starts in a terminal.
func TestMain(m *testing.M) {
	if os.Getenv("DISKETTE_TEST_CLI") == "1" {
		os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

const screenRows, screenColumns = 12, 72

// A terminal is a pseudo-terminal with a redis-cli in it, and what its screen shows.
type terminal struct {
	t      *testing.T
	master *os.File
	cmd    *exec.Cmd
	ended  chan struct{} // closed when the program has ended

	mu     sync.Mutex
	screen screen
	moved  chan struct{} // closed, and made anew, when the screen changes
}

// startTerminal runs redis-cli with args in a terminal. Its home is dir.
func startTerminal(t *testing.T, dir string, env []string, args ...string) *terminal {
	t.Helper()
	master, slave := openTerminal(t)
	cmd := exec.Command(os.Args[0], args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	cmd.Env = append([]string{"DISKETTE_TEST_CLI=1", "TERM=xterm", "HOME=" + dir, "INPUTRC=/dev/null"}, env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	c := &terminal{t: t, master: master, cmd: cmd, ended: make(chan struct{}), moved: make(chan struct{})}
	go c.show()
	go func() {
		_ = cmd.Wait()
		close(c.ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-c.ended
		master.Close()
		if t.Failed() {
			t.Logf("the screen:\n%s", c.text())
		}
	})
	return c
}

func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skipf("NOT CHECKED: there are no pseudo-terminals here: %v", err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: screenRows, Col: screenColumns}); err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// show puts what the program writes on the screen.
func (c *terminal) show() {
	buf := make([]byte, 64<<10)
	for {
		n, err := c.master.Read(buf)
		c.mu.Lock()
		c.screen.write(buf[:n])
		close(c.moved)
		c.moved = make(chan struct{})
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (c *terminal) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.screen.String()
}

func (c *terminal) typeKeys(keys string) {
	c.t.Helper()
	if _, err := c.master.WriteString(keys); err != nil {
		c.t.Fatal(err)
	}
}

// slowReply is the line that redis-cli shows below a reply that took half a second, as any may on a busy machine.
var slowReply = regexp.MustCompile(`(?m)^\([0-9]+\.[0-9][0-9]s\)\n`)

// wait waits until the screen's last lines are these, but for how long a reply took. Grey text stands in <...>, the
// cursor is |.
func (c *terminal) wait(lines ...string) {
	c.t.Helper()
	want := strings.Join(lines, "\n")
	deadline := time.After(longEnough)
	for {
		c.mu.Lock()
		text, moved := slowReply.ReplaceAllString(c.screen.String(), ""), c.moved
		c.mu.Unlock()
		if text == want || strings.HasSuffix(text, "\n"+want) {
			return
		}
		select {
		case <-moved:
		case <-deadline:
			c.t.Fatalf("the screen does not come to end with\n%s\nit is\n%s", want, text)
		}
	}
}

// waitEnd waits for the program's end and returns its exit status.
func (c *terminal) waitEnd() int {
	c.t.Helper()
	select {
	case <-c.ended:
	case <-time.After(longEnough):
		c.t.Fatal("redis-cli does not end")
	}
	return c.cmd.ProcessState.ExitCode()
}

// A screen is what a terminal of few abilities shows: those that a line editor uses.
type screen struct {
	rows   [screenRows][screenColumns]cell
	x, y   int
	wraps  bool // the cursor stands behind the last column
	grey   bool
	unread []byte // the start of a sequence
}

type cell struct {
	char rune
	grey bool
}

// write shows what a program writes.
func (s *screen) write(b []byte) {
	b = append(s.unread, b...)
	s.unread = nil
	for len(b) > 0 {
		if b[0] != 0x1b {
			n := s.put(b)
			if n == 0 {
				break
			}
			b = b[n:]
			continue
		}
		if len(b) > 1 && b[1] == 'D' {
			s.down()
			b = b[2:]
			continue
		}
		end := 2
		for end < len(b) && (b[end] < '@' || b[end] > '~') {
			end++
		}
		if end >= len(b) {
			break // the rest comes with the next write
		}
		s.control(string(b[2:end]), b[end])
		b = b[end+1:]
	}
	s.unread = append([]byte(nil), b...)
}

// put shows one character and returns its length in bytes, 0 if it is not whole.
func (s *screen) put(b []byte) int {
	switch b[0] {
	case '\r':
		s.x, s.wraps = 0, false
		return 1
	case '\n':
		s.down()
		return 1
	case '\a':
		return 1
	case '\b':
		s.x = max(s.x-1, 0)
		return 1
	}
	runes := []rune(string(b[:min(len(b), 4)]))
	n := len(string(runes[0]))
	if runes[0] == '�' {
		return 0
	}
	if s.wraps {
		s.x = 0
		s.down()
	}
	s.rows[s.y][s.x] = cell{runes[0], s.grey}
	if s.x++; s.x == screenColumns {
		s.x, s.wraps = screenColumns-1, true
	}
	return n
}

func (s *screen) down() {
	s.wraps = false
	if s.y++; s.y == screenRows {
		copy(s.rows[:], s.rows[1:])
		s.rows[screenRows-1] = [screenColumns]cell{}
		s.y--
	}
}

func (s *screen) control(arguments string, kind byte) {
	n, err := strconv.Atoi(arguments)
	if err != nil || n == 0 {
		n = 1
	}
	if kind != 'm' && kind != 'h' && kind != 'l' && kind != 'q' {
		s.wraps = false
	}
	switch kind {
	case 'A':
		s.y = max(s.y-n, 0)
	case 'B':
		s.y = min(s.y+n, screenRows-1)
	case 'C':
		s.x = min(s.x+n, screenColumns-1)
	case 'D':
		s.x = max(s.x-n, 0)
	case 'G':
		s.x = n - 1
	case 'H':
		s.x, s.y = 0, 0
	case 'J':
		if arguments == "2" {
			s.rows = [screenRows][screenColumns]cell{}
			return
		}
		clear(s.rows[s.y][s.x:])
		clear(s.rows[s.y+1:])
	case 'K':
		if arguments == "2" {
			clear(s.rows[s.y][:])
		} else {
			clear(s.rows[s.y][s.x:])
		}
	case 'm':
		s.grey = arguments == "90"
	}
}

func (s *screen) String() string {
	var b bytes.Buffer
	for y := 0; y <= s.y; y++ {
		last := -1
		for x, c := range s.rows[y] {
			if c.char != 0 && c.char != ' ' || y == s.y && x <= s.x-1 {
				last = x
			}
		}
		grey := false
		for x := 0; x <= last+1 && x < screenColumns; x++ {
			c := s.rows[y][x]
			if x == last+1 {
				c = cell{}
			}
			if grey && !c.grey {
				b.WriteByte('>')
			}
			if y == s.y && x == s.x {
				b.WriteByte('|')
			}
			if c.grey && !grey {
				b.WriteByte('<')
			}
			grey = c.grey
			if x > last {
				break
			}
			if c.char == 0 {
				c.char = ' '
			}
			b.WriteRune(c.char)
		}
		b.WriteByte('\n')
	}
	return strings.TrimSuffix(b.String(), "\n")
}
