package wire

import (
	"fmt"
	"io"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// FuzzGuard feeds any bytes, cut at any points, and wants what the reference parser
// makes of them as one piece.
func FuzzGuard(f *testing.F) {
	for _, s := range framings {
		f.Add([]byte(s.bytes), []byte{1, 0, 7}, true, uint8(3))
	}
	value := strings.Repeat("v", BigArg+1)
	for _, s := range []string{
		"*1\r\n$9223372036854775806\r\nx\r\n",
		"*9223372036854775807\r\n",
		"*2147483647\r\n$0\r\n\r\n$0\r\n\r\n",
		"*1\r\n$536870912\r\nx",
		"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$65537\r\n" + value + "\r\nPING\r\n*1\r\n$65536\r\n" + value,
		"*2\r\n$65537\r\n" + value + "\r\n$65537\r\n" + value + "xyPING 'a\\'b' \"\\x41\"\r\n",
		strings.Repeat("*0\r\n\r\n", 100) + "PING\r\n",
		"*300\r\n" + strings.Repeat("$1\r\na\r\n", 300) + strings.Repeat("PING\r\n", 1000),
	} {
		f.Add([]byte(s), []byte{200, 255, 3}, false, uint8(1))
		f.Add([]byte(s), []byte{255}, true, uint8(200))
	}
	f.Fuzz(func(t *testing.T, stream, cuts []byte, authed bool, max uint8) {
		const maxBulk = 4 * BigArg
		g := guardOf(authed, cutUp(stream, cuts)...)
		g.limits.MaxBulkBytes.Store(maxBulk)
		g.limits.QueryBufferBytes.Store(1 << 20)
		var got [][]string
		wire := 0
		var err error
		for {
			var batch []Command
			if batch, err = g.ReadBatch(int(max) + 1); err != nil {
				break
			}
			if len(batch) == 0 || len(batch) > int(max)+1 {
				t.Fatalf("a batch of %d commands, asked for at most %d", len(batch), int(max)+1)
			}
			for _, c := range batch {
				args := make([]string, len(c.Args))
				for i, a := range c.Args {
					args[i] = string(a)
					if cap(a) != len(a) {
						t.Fatalf("an argument of %d bytes has capacity %d", len(a), cap(a))
					}
				}
				got = append(got, args)
				wire += c.bytes
			}
			if n := cap(g.ws.buf); n > 2*(len(stream)+largeBuffer) {
				t.Fatalf("a buffer of %d bytes for %d", n, len(stream))
			}
		}
		if err == ErrQueryBuffer && len(stream) < 20<<10 {
			t.Fatalf("a limit of 1 MiB is reached with %d bytes", len(stream))
		}
		if wire > len(stream) || g.Buffered() != 0 || g.ws != nil {
			t.Fatalf("commands of %d bytes out of %d, %d bytes still held", wire, len(stream), g.Buffered())
		}
		want, text := reference(string(stream), authed, maxBulk)
		if err == ErrQueryBuffer {
			want = want[:min(len(got), len(want))] // the reference knows no such limit
		} else if text == "" && err != io.EOF || text != "" && err.Error() != "Protocol error: "+text {
			t.Fatalf("error %q, want %q", err, text)
		}
		if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("commands %.300q, want %.300q", fmt.Sprint(got), fmt.Sprint(want))
		}
	})
}

// cutUp cuts stream into pieces of the lengths in cuts, taken in turns. The length 255
// stands for 1000 times as much.
func cutUp(stream, cuts []byte) (pieces []string) {
	for i := 0; len(stream) > 0; i++ {
		n := len(stream)
		if len(cuts) > 0 {
			if n = int(cuts[i%len(cuts)]); n == 255 {
				n = 255_000
			}
			n = min(max(n, 1), len(stream))
		}
		pieces = append(pieces, string(stream[:n]))
		stream = stream[n:]
	}
	return pieces
}

// reference parses a whole stream the plain way: what is missing ends it silently.
func reference(s string, authed bool, maxBulk int64) (commands [][]string, text string) {
	for s != "" {
		if s[0] != '*' {
			line, rest, whole := strings.Cut(s, "\n")
			if len(strings.TrimSuffix(line, "\r")) > 65536 {
				return commands, "too big inline request"
			}
			if !whole {
				return commands, ""
			}
			words, ok := referenceWords(strings.TrimSuffix(line, "\r"))
			if !ok {
				return commands, "unbalanced quotes in request"
			}
			if len(words) > 0 {
				commands = append(commands, words)
			}
			s = rest
			continue
		}
		line, rest, state := referenceLine(s)
		if state != "" {
			return commands, strings.Replace(strings.TrimSpace(state), "big", "big mbulk", 1)
		}
		count, ok := referenceNumber(line[1:])
		if !ok || count > 2147483647 {
			return commands, "invalid multibulk length"
		}
		if count > 10 && !authed {
			return commands, "unauthenticated multibulk length"
		}
		s = rest
		var args []string
		for range count {
			line, rest, state := referenceLine(s)
			if state != "" {
				return commands, strings.Replace(strings.TrimSpace(state), "big", "big bulk", 1)
			}
			if s[0] != '$' {
				got := strings.NewReplacer("\r", " ", "\n", " ").Replace(s[:1])
				return commands, "expected '$', got '" + got + "'"
			}
			length, ok := referenceNumber(line[1:])
			if !ok || length < 0 || length > maxBulk {
				return commands, "invalid bulk length"
			}
			if length > 16384 && !authed {
				return commands, "unauthenticated bulk length"
			}
			if int64(len(rest)) < length+2 {
				return commands, ""
			}
			args, s = append(args, rest[:length]), rest[length+2:]
		}
		if count > 0 {
			commands = append(commands, args)
		}
	}
	return commands, ""
}

// referenceLine cuts s behind CR and one more byte. state is empty for a whole line, a
// blank for one that has not ended, or says that it is too long.
func referenceLine(s string) (line, rest, state string) {
	i := strings.Index(s, "\r")
	if i < 0 {
		i = len(s)
	}
	if i > 65536 {
		return "", "", "too big count string"
	}
	if i+2 > len(s) {
		return "", "", " "
	}
	return s[:i], s[i+2:], ""
}

// referenceNumber takes only what a number would be printed as.
func referenceNumber(s string) (int64, bool) {
	if len(s) > 20 {
		return 0, false
	}
	n, ok := new(big.Int).SetString(s, 10)
	if !ok || n.String() != s || !n.IsInt64() {
		return 0, false
	}
	return n.Int64(), true
}

func referenceWords(line string) (words []string, ok bool) {
	const blanks = " \t\n\v\f\r"
	for {
		line = strings.TrimLeft(line, blanks)
		if line == "" {
			return words, true
		}
		var word []byte
		for line != "" && !strings.ContainsRune(" \t\n\r", rune(line[0])) {
			quote := line[0]
			if quote != '"' && quote != '\'' {
				word, line = append(word, line[0]), line[1:]
				continue
			}
			quoted, rest, closed := referenceQuoted(line[1:], quote)
			if !closed || rest != "" && !strings.ContainsRune(blanks, rune(rest[0])) {
				return nil, false
			}
			word, line = append(word, quoted...), rest
			break
		}
		words = append(words, string(word))
	}
}

func referenceQuoted(s string, quote byte) (_, rest string, closed bool) {
	escapes := map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'a': '\a'}
	var word []byte
	for s != "" {
		switch {
		case s[0] == quote:
			return string(word), s[1:], true
		case s[0] != '\\' || len(s) == 1 || quote == '\'' && s[1] != '\'':
			word, s = append(word, s[0]), s[1:]
			continue
		}
		if quote == '"' && len(s) >= 4 && s[1] == 'x' {
			if n, err := strconv.ParseUint(s[2:4], 16, 8); err == nil {
				word, s = append(word, byte(n)), s[4:]
				continue
			}
		}
		if e, known := escapes[s[1]]; known {
			word = append(word, e)
		} else {
			word = append(word, s[1])
		}
		s = s[2:]
	}
	return "", "", false
}
