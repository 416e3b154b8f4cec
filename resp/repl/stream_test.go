package repl

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"diskette/compat_test/testrand"
)

// readAll is all that a reader has to read now.
func readAll(t *testing.T, r *Reader) []byte {
	t.Helper()
	var all []byte
	for r.Behind() > 0 {
		p, err := r.Next(1000)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p...)
	}
	return all
}

func TestAStreamIsKeptFromItsFirstReaderOn(t *testing.T) {
	s := New(1 << 20)
	if s.Active() {
		t.Error("a new stream is active")
	}
	r, at := s.ReadOn()
	if !s.Active() || at.Offset != 0 {
		t.Errorf("active %v, offset %d after the first reader came", s.Active(), at.Offset)
	}
	if s.Rest() {
		t.Error("a stream with a reader rests")
	}
	r.Close()
	if !s.Rest() || s.Active() || s.State().ID == at.ID {
		t.Error("a stream that rests goes on in the same history")
	}
}

func TestAReaderGetsEveryByteHoweverSlowItIs(t *testing.T) {
	rng := testrand.New(t, 13)
	s := New(50_000)
	var all []byte
	readers := map[*Reader]*[]byte{}
	for range 3000 {
		switch k := rng.IntN(20); {
		case k == 0 && len(readers) < 5:
			r, at := s.ReadOn()
			got := bytes.Clone(all[:at.Offset])
			readers[r] = &got
		case k == 1 && len(readers) < 5 && len(all) > 0:
			first, length, _ := s.Kept()
			from := first + rng.Int64N(length+1)
			if r, at := s.ReadFrom(s.State().ID, from); r != nil {
				got := bytes.Clone(all[:from-1])
				readers[r] = &got
			} else if s.Active() {
				t.Fatalf("offset %d is not served, of %d to %d that are kept", from, first, at.Offset)
			}
		case k < 10:
			for r, got := range readers {
				if n := r.Behind(); n > 0 {
					p, err := r.Next(1 + rng.IntN(40_000))
					if err != nil {
						t.Fatal(err)
					}
					*got = append(*got, p...)
				}
				if rng.IntN(50) == 0 {
					check(t, all, append(*got, readAll(t, r)...))
					r.Close()
					delete(readers, r)
				}
			}
		case s.Active():
			p := make([]byte, rng.IntN(30_000))
			for i := range p {
				p[i] = byte(rng.Uint32())
			}
			s.Feed(p)
			all = append(all, p...)
		}
	}
	for r, got := range readers {
		check(t, all, append(*got, readAll(t, r)...))
	}
}

func check(t *testing.T, want, got []byte) {
	t.Helper()
	if !bytes.Equal(want, got) {
		t.Fatalf("%d bytes were read, %d were fed", len(got), len(want))
	}
}

func TestWhoComesBackIsContinuedInItsHistoryAlone(t *testing.T) {
	s := New(1000)
	first, _ := s.ReadOn()
	s.Feed(bytes.Repeat([]byte("x"), 40_000))
	first.Close()
	was := s.State()
	for _, c := range []struct {
		about  string
		id     string
		offset int64
		served bool
	}{
		{"at the end", was.ID, 40_001, true},
		{"the oldest byte of the backlog", was.ID, 39_001, true},
		{"a byte before it", was.ID, 39_000, false},
		{"a byte that is yet to come", was.ID, 40_002, false},
		{"another history", NewID(), 40_001, false},
		{"no history", NoID, 40_001, false},
	} {
		if r, _ := s.ReadFrom(c.id, c.offset); (r != nil) != c.served {
			t.Errorf("%s: served %v", c.about, r != nil)
		}
	}
	s.Adopt(State{ID: NewID(), Offset: was.Offset, ID2: was.ID, Second: was.Offset + 1})
	s.Feed([]byte("yy"))
	for _, c := range []struct {
		about  string
		id     string
		offset int64
		served bool
	}{
		{"the old history's end", was.ID, 40_001, true},
		{"behind the old history's end", was.ID, 40_002, false},
		{"the new history", s.State().ID, 40_003, true},
	} {
		if r, _ := s.ReadFrom(c.id, c.offset); (r != nil) != c.served {
			t.Errorf("after the fork, %s: served %v", c.about, r != nil)
		}
	}
	s.Restart()
	if r, _ := s.ReadFrom(was.ID, 40_001); r != nil {
		t.Error("a history that was given up is continued")
	}
}

func TestAReaderOfAHistoryThatIsGivenUpIsCutOff(t *testing.T) {
	s := New(1000)
	r, _ := s.ReadOn()
	ended := make(chan error)
	go func() {
		_, err := r.Next(1)
		ended <- err
	}()
	s.Adopt(State{ID: NewID(), Offset: 77, ID2: NoID, Second: -1})
	if err := <-ended; !errors.Is(err, ErrCutOff) {
		t.Errorf("Next: %v", err)
	}
	if got := s.State().Offset; got != 77 {
		t.Errorf("offset %d", got)
	}
	r.Close()
}

func TestSeveralCommandsOfAUnitGoBetweenMultiAndExec(t *testing.T) {
	s := New(1 << 20)
	r, _ := s.ReadOn()
	u := NewUnit(s)
	if u.End(false) {
		t.Error("an empty unit was sent")
	}
	u.Add(0, []byte("SET"), []byte("k"), []byte("v"))
	u.End(false)
	u.Add(0, []byte("DEL"), []byte("k"))
	u.Add(3, []byte("DEL"), []byte(""))
	u.End(false)
	u.SelectAgain()
	u.Add(3, []byte("PING"))
	u.Add(3, []byte("PING"))
	u.End(true)
	want := "*2 $6 SELECT $1 0 *3 $3 SET $1 k $1 v " +
		"*1 $5 MULTI *2 $3 DEL $1 k *2 $6 SELECT $1 3 *2 $3 DEL $0  *1 $4 EXEC " +
		"*2 $6 SELECT $1 3 *1 $4 PING *1 $4 PING "
	if got := strings.ReplaceAll(string(readAll(t, r)), "\r\n", " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAReaderThatIsTooFarBehindIsClosed(t *testing.T) {
	s := New(10)
	slow, _ := s.ReadOn()
	quick, _ := s.ReadOn()
	slow.SetLimit(100)
	quick.SetLimit(100)
	s.Feed(make([]byte, 100))
	if _, err := quick.Next(50); err != nil {
		t.Fatal(err)
	}
	s.Feed(make([]byte, 50))
	if err := slow.Err(); !errors.Is(err, ErrBehind) {
		t.Errorf("the slow one: %v", err)
	}
	if _, err := slow.Next(1); !errors.Is(err, ErrBehind) {
		t.Errorf("the slow one reads: %v", err)
	}
	if err := quick.Err(); err != nil || quick.Behind() != 100 {
		t.Errorf("the quick one: %v, %d bytes behind", err, quick.Behind())
	}
	if _, _, behind := s.Kept(); behind != 100 {
		t.Errorf("the slowest is %d bytes behind", behind)
	}
}
