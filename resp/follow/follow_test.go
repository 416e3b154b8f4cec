package follow

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
)

const id = "0123456789abcdef0123456789abcdef01234567"

var limits = Limits{Argument: 1 << 20, Command: 2 << 20}

// commands reads commands to the end of the text.
func commands(r *Reader) (all []string, ends []int64, err error) {
	for {
		c, err := r.Command()
		if err != nil {
			return all, ends, err
		}
		words := make([]string, len(c.Args))
		for i, a := range c.Args {
			words[i] = string(a)
		}
		all, ends = append(all, strings.Join(words, " ")), append(ends, c.End)
	}
}

func TestACommandsOffsetIsThatOfItsLastByte(t *testing.T) {
	var text strings.Builder
	var want []string
	var ends []int64
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		switch r.IntN(8) {
		case 0:
			text.WriteString("\n")
			want = append(want, "")
		case 1:
			text.WriteString("PING x\r\n")
			want = append(want, "PING x")
		default:
			args := []string{"SET", "k", strings.Repeat("\r\n*", r.IntN(1<<uint(r.IntN(17))))}
			text.Write(Append(nil, args...))
			want = append(want, strings.Join(args, " "))
		}
		ends = append(ends, int64(text.Len())+1000)
	}
	for name, src := range map[string]io.Reader{"whole": strings.NewReader(text.String()),
		"a byte at a time": iotest.OneByteReader(strings.NewReader(text.String())),
		"in halves":        iotest.HalfReader(strings.NewReader(text.String()))} {
		in := NewReader(src, limits)
		in.SetOffset(1000)
		got, gotEnds, err := commands(in)
		if err != io.ErrUnexpectedEOF || fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(gotEnds) != fmt.Sprint(ends) {
			t.Errorf("%s: %d commands, %v", name, len(got), err)
		}
	}
}

func TestWhatHasArrivedIsDoneBeforeTheNextRead(t *testing.T) {
	in := NewReader(iotest.OneByteReader(strings.NewReader("PING\r\nPING\r\n*1")), limits)
	var done, waited int
	in.Wait = func() error {
		waited++
		if behind := in.Offset(); behind != int64(6*done) && behind != int64(6*done+4) {
			t.Errorf("after %d commands the offset is %d", done, behind)
		}
		return nil
	}
	for {
		if _, err := in.Command(); err != nil {
			break
		}
		done++
	}
	if done != 2 || waited < 14 {
		t.Errorf("%d commands, %d reads", done, waited)
	}
	broken := errors.New("it is over")
	in = NewReader(strings.NewReader("PING\r\n"), limits)
	in.Wait = func() error { return broken }
	if _, err := in.Command(); err != broken {
		t.Errorf("got %v", err)
	}
}

func TestAHostileStreamTakesNoMemory(t *testing.T) {
	for _, test := range []struct {
		text string
		want error
	}{
		{"*1\r\n$9223372036854775807\r\nx", ErrTooLong},
		{"*1\r\n$1048577\r\nx", ErrTooLong},
		{"*3\r\n$1048576\r\n" + strings.Repeat("x", 1<<20) + "\r\n$1048576\r\nx", ErrTooLong},
		{"*9223372036854775807\r\n$1\r\nx\r\n", ErrTooLong},
		{"*1048576\r\n$1\r\nx\r\n", io.ErrUnexpectedEOF},
		{"*1\r\n$1048000\r\nx", io.ErrUnexpectedEOF},
		{"*99999999999999999999\r\n", ErrProtocol},
		{"*-2\r\n", ErrProtocol},
		{"*1\r\n$-1\r\n", ErrProtocol},
		{"*1\r\n*1\r\n*1\r\n", ErrProtocol},
		{"*1\r\n$1\r\nxy\r\n", ErrProtocol},
		{strings.Repeat("x", 1<<20), ErrTooLong},
		{"*" + strings.Repeat("1", 1<<20), ErrTooLong},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := commands(NewReader(strings.NewReader(test.text), limits))
		runtime.ReadMemStats(&after)
		if !errors.Is(err, test.want) {
			t.Errorf("%.40q: %v, want %v", test.text, err, test.want)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > 6<<20 {
			t.Errorf("%.40q took %d bytes", test.text, took)
		}
	}
}

func TestTheAnswerToPSYNC(t *testing.T) {
	for line, want := range map[string]Sync{
		"+FULLRESYNC " + id + " 17": {Kind: Full, ID: id, Offset: 17},
		"+CONTINUE":                 {Kind: Continue},
		"+CONTINUE " + id:           {Kind: Continue, ID: id},
		"-NOMASTERLINK Can't SYNC while not connected with my master": {Kind: NotNow},
		"-LOADING Redis is loading the dataset in memory":             {Kind: NotNow},
		"-ERR unknown command":                                        {Kind: Never},
	} {
		if got, err := ParseSync(line); err != nil || got != want {
			t.Errorf("%q: %v, %v", line, got, err)
		}
	}
	for _, line := range []string{"", "+", "+OK", "+FULLRESYNC", "+FULLRESYNC " + id, "+FULLRESYNC " + id + " -1",
		"+FULLRESYNC " + id + " x", "+FULLRESYNC short 1", "+CONTINUE short", "+FULLRESYNC " + id[1:] + "\x00 1", "$5"} {
		if got, err := ParseSync(line); !errors.Is(err, ErrProtocol) {
			t.Errorf("%q: %v, %v", line, got, err)
		}
	}
}

// taken reads a snapshot whose file is so long, in reads that take ahead what they can, and then a command.
func taken(text string, file int) (got string, next Command, err error) {
	r := NewReader(strings.NewReader(text), limits)
	s, err := r.Snapshot()
	if err != nil {
		return "", next, err
	}
	var all []byte
	for len(all) < file {
		p := make([]byte, 1<<10)
		n, err := s.Read(p)
		if all = append(all, p[:n]...); err != nil {
			return "", next, err
		}
	}
	if err = s.End(all[file:]); err == nil {
		r.SetOffset(7)
		next, err = r.Command()
	}
	return string(all[:file]), next, err
}

func TestASnapshotEndsWhereItsFramingSays(t *testing.T) {
	for _, n := range []int{1, 39, 40, 41, 1023, 1024, 100_000} {
		file := strings.Repeat("x", n)
		for name, text := range map[string]string{"a length": fmt.Sprintf("\n\n$%d\r\n%s", n, file),
			"a mark": "\n$EOF:" + id + "\r\n" + file + id} {
			got, next, err := taken(text+"PING\r\n", n)
			if err != nil || got != file || next.End != 7+6 {
				t.Errorf("%d bytes with %s: %d bytes, then %v, %v", n, name, len(got), next, err)
			}
		}
	}
	for text, want := range map[string]error{
		"$3\r\nxxPING\r\n": nil, // the file is shorter than was said: what follows is no command
		"$EOF:" + id + "\r\nxx" + id[1:] + "yPING\r\n": ErrProtocol,
		"$EOF:" + id + "\r\nxx" + id[1:]:               io.ErrUnexpectedEOF,
		"$EOF:short\r\n":                               ErrProtocol,
		"$0\r\n":                                       ErrProtocol,
		"$-5\r\n":                                      ErrProtocol,
		"$99999999999999999999\r\n":                    ErrProtocol,
		"-ERR no\r\n":                                  ErrProtocol,
		"+OK\r\n":                                      ErrProtocol,
		"$9223372036854775807\r\nx":                    io.ErrUnexpectedEOF,
		strings.Repeat("\n", 100) + "$4":               io.ErrUnexpectedEOF,
	} {
		if _, _, err := taken(text, 2); err == nil || want != nil && !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", text, err, want)
		}
	}
}

// FuzzStream reads anything as a master's words, and checks the invariant of the package: offsets add up.
func FuzzStream(f *testing.F) {
	f.Add([]byte("+FULLRESYNC "+id+" 1\r\n$3\r\nabc"), 3)
	f.Add([]byte("+CONTINUE\r\n*1\r\n$4\r\nPING\r\n\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n"), 1)
	f.Add([]byte("\n$EOF:"+id+"\r\nxx"+id+"*1\r\n$1\r\nx\r\n"), 2)
	f.Fuzz(func(t *testing.T, text []byte, file int) {
		few := Limits{Argument: 1 << 16, Command: 1 << 17}
		r := NewReader(iotest.HalfReader(strings.NewReader(string(text))), few)
		if line, err := r.Line(); err == nil {
			if s, err := ParseSync(line); err == nil && s.Kind == Full && (len(s.ID) != IDBytes || s.Offset < 0) {
				t.Fatalf("%q: %v", line, s)
			}
		}
		_, _, _ = taken(string(text), min(max(file, 0), 1<<16))
		r = NewReader(iotest.HalfReader(strings.NewReader(string(text))), few)
		last := int64(0)
		for {
			c, err := r.Command()
			if err != nil {
				break
			}
			if c.End <= last || c.End > int64(len(text)) || c.End != r.Offset() {
				t.Fatalf("%d commands' offset: %d after %d", len(c.Args), c.End, last)
			}
			last = c.End
		}
	})
}
