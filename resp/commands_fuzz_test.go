package resp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"diskette/resp/command"
)

// largeSizes are around what handlers and the parser treat in another way: an argument with
// memory of its own, work that is done without the lock, the length of a script.
var largeSizes = []int{50 << 10, 300 << 10, 5 << 20}

// largeContents make arguments of any size that handlers parse to some depth.
var largeContents = []func(n int) []byte{
	func(n int) []byte { return bytes.Repeat([]byte("x"), n) },
	func(n int) []byte { return bytes.Repeat([]byte("7"), n) },
	func(n int) []byte { return append([]byte("return 1 --"), bytes.Repeat([]byte("x"), n)...) },
	func(n int) []byte {
		return append([]byte("#!lua name=lib\nredis.register_function('f', function() return 1 end) --"), bytes.Repeat([]byte("x"), n)...)
	},
	func(n int) []byte { return append([]byte("HYLL"), make([]byte, n)...) },
	func(n int) []byte { return bytes.Repeat([]byte("*"), n) },
	func(n int) []byte { return bytes.Repeat([]byte("~%R~* \"'\r\n"), n/10) },
	func(n int) []byte { return bytes.Repeat([]byte("("), n) },
}

// fuzzWords are the small arguments: keys of every type, numbers, and words that options are made of.
var fuzzWords = func() (words []string) {
	words = strings.Fields("string long int hash list set zset stream hll geo none 0 1 2 -1 3 10 0.01 inf -inf nan 1-1 $ > * + - " +
		"9223372036854775807 -9223372036854775808 18446744073709551615 1e400 (1 [a f")
	words = append(words, "", " ", "\x00", "a\r\nb", "return redis.call('get', KEYS[1])", ">secret", "+@all", "~*", "&*", "maxmemory")
	seen := map[string]bool{}
	for _, r := range commandTable() {
		for _, sub := range append([]*command.Row{r}, r.Subs...) {
			for _, w := range strings.FieldsFunc(sub.Args, func(c rune) bool { return (c < 'A' || c > 'Z') && c != '-' }) {
				if len(w) > 1 && !seen[w] {
					seen[w] = true
					words = append(words, w)
				}
			}
		}
	}
	return words
}()

// fuzzedCommands are the words of every command but CLIENT PAUSE, which would hold up the fuzzing itself, and MIGRATE,
// which would wait for servers that are not there.
func fuzzedCommands() (names [][]string) {
	for _, r := range commandTable() {
		if len(r.Subs) == 0 && r.Name != "migrate" {
			names = append(names, []string{r.Name})
		}
		for _, sub := range r.Subs {
			if sub.Name != "pause" {
				names = append(names, []string{r.Name, sub.Name})
			}
		}
	}
	return names
}

// prey is a server with a key of every type.
type prey struct {
	addr string
	log  *lockedBuffer
	srv  *Server
}

func startFuzzed(t testing.TB) *prey {
	log := new(lockedBuffer)
	addr, s := startServingMore(t, zerolog.New(log))
	p := &prey{addr, log, s}
	p.fill(t)
	return p
}

func (p *prey) fill(t testing.TB) {
	t.Helper()
	said := ask(t, p.addr, "FLUSHALL", "FUNCTION FLUSH", "SET string value", "SET int 41",
		"SETRANGE long 400000 x", "HSET hash f 1 g two", "RPUSH list a b c", "SADD set 1 2 3", "ZADD zset 1 a 2 b", "XADD stream 1-1 f v",
		"PFADD hll a b", "GEOADD geo 13 38 here")
	if strings.Contains(said, "-ERR") {
		t.Fatal(said)
	}
}

// feed sends one command, as it is or inside MULTI or a script, and wants any answer at all, or
// none, but no failure of the server.
func (p *prey) feed(t *testing.T, within byte, args [][]byte) {
	t.Helper()
	wire := encodeArgs(args)
	switch within {
	case 1:
		wire = append(append([]byte("MULTI\r\n"), wire...), "EXEC\r\n"...)
	case 2:
		call := [][]byte{[]byte("EVAL"), []byte("return redis.call(unpack(ARGV))"), []byte("0")}
		wire = encodeArgs(append(call, args...))
	}
	c, err := net.Dial("tcp", p.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	go func() { // the server may hang up before it has read everything
		_, _ = c.Write(wire)
		_ = c.(*net.TCPConn).CloseWrite()
	}()
	said, err := io.ReadAll(c)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("%s: no end of it after two minutes", shownArgs(args))
	}
	if bytes.Contains(said, []byte("internal error")) || strings.Contains(p.log.String(), `"panic"`) {
		t.Fatalf("%s, within %d: %.200q\n%.3000s", shownArgs(args), within, said, p.log.String())
	}
}

func encodeArgs(args [][]byte) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		b = append(append(fmt.Appendf(b, "$%d\r\n", len(a)), a...), "\r\n"...)
	}
	return b
}

func shownArgs(args [][]byte) string {
	var b strings.Builder
	for _, a := range args {
		if len(a) > 60 {
			fmt.Fprintf(&b, "%.20q...(%d) ", a, len(a))
		} else {
			fmt.Fprintf(&b, "%q ", a)
		}
	}
	return b.String()
}

// smallArgs are arguments with which a command gets as far as it can: what its table row says,
// a key where a key stands.
func smallArgs(names []string, n int) [][]byte {
	args := make([][]byte, 0, n)
	for _, name := range names {
		args = append(args, []byte(name))
	}
	for i := len(args); i < n; i++ {
		args = append(args, []byte(strconv.Itoa(i%2)))
	}
	return args
}

// Each command gets a large argument in each of its places, whatever the others are.
func TestNoCommandFailsForALargeArgumentInAnyPlace(t *testing.T) {
	p := startFuzzed(t)
	for _, names := range fuzzedCommands() {
		r := p.srv.table.ByName[names[0]]
		if len(names) > 1 {
			r = r.Sub([]byte(names[1]))
		}
		least := max(r.Arity, -r.Arity, len(names)+1)
		most := least
		if r.Arity < 0 {
			most += 2
		}
		for n := least; n <= most; n++ {
			for at := len(names); at < n; at++ {
				for i, content := range largeContents {
					if (n > least || i > 3) && (i+at+n)%4 != 0 { // a sample of these
						continue
					}
					args := smallArgs(names, n)
					args[at] = content(largeSizes[0])
					p.feed(t, byte((i+at)%3), args)
				}
			}
		}
	}
}

// What runs without the lock, or is compiled, at every size.
func TestScriptsAndPayloadsOfAnyLengthAreTakenOrRefused(t *testing.T) {
	p := startFuzzed(t)
	for _, size := range append([]int{1, compileOffLockBytes - 1, compileOffLockBytes}, largeSizes...) {
		tail := strings.Repeat("x", size)
		for _, c := range []struct {
			args []string
			want string
		}{
			{[]string{"SCRIPT", "LOAD", "return 1 --" + tail}, "$40\r\n"},
			{[]string{"EVAL", "return 1 --" + tail, "0"}, ":1\r\n"},
			{[]string{"FUNCTION", "LOAD", "REPLACE", "#!lua name=lib\nredis.register_function('f', function() return 1 end) --" + tail}, "$3\r\nlib\r\n"},
			{[]string{"SCRIPT", "LOAD", "return (" + tail}, "-ERR Error compiling script"},
			{[]string{"FUNCTION", "LOAD", "#!lua name=other\n(" + tail}, "-ERR Error compiling function"},
			{[]string{"FUNCTION", "LOAD", "#!" + tail}, "-ERR Invalid library metadata"},
			{[]string{"RESTORE", "new", "0", "\x00" + tail}, "-ERR DUMP payload version or checksum are wrong"},
			{[]string{"FUNCTION", "RESTORE", tail}, "-ERR DUMP payload version or checksum are wrong"},
		} {
			if size > 4<<20 && slices.Contains([]string{"$40\r\n", ":1\r\n", "$3\r\nlib\r\n"}, c.want) {
				c.want = "-ERR Error compiling" // lualib's own limit
			}
			args := make([][]byte, len(c.args))
			for i, a := range c.args {
				args[i] = []byte(a)
			}
			conn, err := net.Dial("tcp", p.addr)
			if err != nil {
				t.Fatal(err)
			}
			said := make([]byte, len(c.want))
			_ = conn.SetDeadline(time.Now().Add(patience))
			if _, err = conn.Write(encodeArgs(args)); err == nil {
				_, err = io.ReadFull(conn, said)
			}
			conn.Close()
			if err != nil || string(said) != c.want {
				t.Errorf("%s: %q, %v, want %q", shownArgs(args), said, err, c.want)
			}
		}
	}
	if strings.Contains(p.log.String(), `"panic"`) {
		t.Error(p.log.String())
	}
}

// FuzzCommands makes commands of words and large arguments. A byte of shape is one argument: below 240 a
// small word, from there on a large one of some content and size. The first byte says whether the command
// stands in MULTI or a script.
func FuzzCommands(f *testing.F) {
	names := fuzzedCommands()
	for i := range names {
		f.Add(uint16(i), []byte{0, 1, 242, 3})
		f.Add(uint16(i), []byte{1, 240, 5, 1, 244})
	}
	p := startFuzzed(f)
	fed := 0
	f.Fuzz(func(t *testing.T, command uint16, shape []byte) {
		if len(shape) == 0 || len(shape) > 24 {
			return
		}
		if fed++; fed%100 == 0 {
			p.fill(t)
		}
		args := smallArgs(names[int(command)%len(names)], 0)
		for i, b := range shape[1:] {
			if b < 240 {
				args = append(args, []byte(fuzzWords[(int(b)+240*(i%2))%len(fuzzWords)]))
				continue
			}
			size := largeSizes[int(b)/8%2]
			if b == 255 {
				size = largeSizes[2]
			}
			args = append(args, largeContents[int(b)%len(largeContents)](size))
		}
		p.feed(t, shape[0]%3, args)
	})
}
