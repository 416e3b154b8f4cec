package pickle

import (
	"errors"
	"strings"
	"testing"
)

// pickles are of Python 3.11: what resp/diskcache's recorded caches have besides is tested there.
var pickles = []struct{ in, want string }{
	{"I42\n.", "42"}, {"I01\n.", "true"}, {"L-7L\n.", "-7"}, {"F1.5\n.", "1.5"}, {"Finf\n.", "inf"}, {"N.", "null"},
	{"S'a\\'b\\x41'\np0\n.", "a'bA"}, {"S'\\xff'\n.", "\xff"}, {"Vz\\u20ac\xe4\\U0001f600\\ud800\n.", "z€ä😀\xed\xa0\x80"},
	{"(lp0\nI1\naVb\na.", `[1,"b"]`}, {"(dp0\nVa\nI1\ns.", `{"a":1}`}, {"(I1\nI2\nt.", "[1,2]"}, {"(I1\nI2\nl.", "[1,2]"},
	{"(Va\nI1\nd.", `{"a":1}`}, {"\x80\x02K\x01K\x020.", "1"}, {"\x80\x02K\x012\x86.", "[1,1]"}, {"\x80\x02(K\x05K\x061K\x07.", "7"},
	{"\x80\x02U\x01a.", "a"}, {"\x80\x02U\x01\xff.", "\xff"}, {"\x80\x04\x8f(K\x01K\x02\x90.", "[1,2]"},
	{"\x80\x02c__builtin__\nset\nq\x00]q\x01K\x01a\x85q\x02Rq\x03.", "[1]"},
	{"\x80\x02c_codecs\nencode\nX\x02\x00\x00\x00\xc3\xbfX\x06\x00\x00\x00latin1\x86R.", "\xff"},
	// Python 2's OrderedDict([("a", 1), ("b", [])]), and Python 3's defaultdict(int, a=1).
	{"\x80\x02ccollections\nOrderedDict\nq\x00]q\x01(]q\x02(U\x01aK\x01e]q\x03(U\x01b]ee\x85q\x04Rq\x05.", `{"a":1,"b":[]}`},
	{"\x80\x02ccollections\ndefaultdict\nc__builtin__\nint\n\x85R(X\x01\x00\x00\x00aK\x01u.", `{"a":1}`},
	{"\x80\x05\x96\x02\x00\x00\x00\x00\x00\x00\x00hi.", "hi"},
	{"\x80\x02\x8a\x00.", "0"}, {"\x80\x02\x8a\x01\x80.", "-128"}, {"\x80\x02J\xff\xff\xff\xff.", "-1"},
}

func TestPicklesOfPlainValuesAreRead(t *testing.T) {
	for _, c := range pickles {
		v, err := Read([]byte(c.in))
		if err != nil {
			t.Errorf("%q: %v", c.in, err)
			continue
		}
		if got, err := Text(v, 1<<20); err != nil || string(got) != c.want {
			t.Errorf("%q: %q, %v; want %q", c.in, got, err, c.want)
		}
	}
}

// Nothing is run, whatever a pickle asks for, and what is no pickle is an error.
func TestOtherPicklesAreErrors(t *testing.T) {
	for in, want := range map[string]error{
		"cos\nsystem\n(S'touch /tmp/x'\ntR.":                     ErrClass,
		"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x01x\x85R.": ErrClass,
		"cbuiltins\neval\n.":                                     ErrClass,
		"\x80\x02c__main__\nOwn\n)\x81}b.":                       ErrClass,
		"\x80\x02c__main__\nOwn\n)\x81.":                         ErrClass,
		"(i__main__\nOwn\n.":                                     ErrClass,
		"\x80\x02\x82\x01.":                                      ErrClass,
		"Pid\n.":                                                 ErrClass,
		"cdatetime\ndatetime\n(C\x01xtR.":                        ErrClass,
		"cbuiltins\nset\n(I1\ntR.":                               ErrClass,
		"ccollections\nOrderedDict\n((I1\nltR.":                  ErrClass,
		"ccollections\nOrderedDict\n(I1\ntR.":                    ErrClass,
		"c_codecs\nencode\n(Va\nVutf-16\ntR.":                    ErrClass,
		"":                                                       ErrMalformed,
		".":                                                      ErrMalformed,
		"(.":                                                     ErrMalformed,
		"I1\nI2\n.":                                              ErrMalformed,
		"I1":                                                     ErrMalformed,
		"Ix\n.":                                                  ErrMalformed,
		"I1\na.":                                                 ErrMalformed,
		"I1\nI2\na.":                                             ErrMalformed,
		"}I1\ne.":                                                ErrMalformed,
		"(I1\nd.":                                                ErrMalformed,
		"g5\n.":                                                  ErrMalformed,
		"\x85.":                                                  ErrMalformed,
		"R.":                                                     ErrMalformed,
		"I1\nI2\nR.":                                             ErrMalformed,
		"\xff.":                                                  ErrMalformed,
		"X\xff\xff\xff\xffx.":                                    ErrMalformed,
		"\x8e\xff\xff\xff\xff\xff\xff\xff\xffx.":                 ErrMalformed,
		"I" + strings.Repeat("9", 5000) + "\n.":                  ErrMalformed,
		"\x80\x05\x97.":                                          ErrMalformed,
	} {
		v, err := Read([]byte(in))
		if err == nil {
			_, err = Text(v, 1<<20)
		}
		if !errors.Is(err, want) {
			t.Errorf("%.60q: %v, want %v", in, err, want)
		}
	}
}

func TestWhatAPickleRepeatsIsBounded(t *testing.T) {
	var bomb strings.Builder // each list has the one before twice: 2^60 in all
	bomb.WriteString("]q\x00")
	for range 60 {
		bomb.WriteString("2\x86q\x00")
	}
	self := "]q\x00h\x00a." // a list that has itself
	copies := "](" + strings.Repeat("N", 10_000) + "eq\x000cbuiltins\nset\nq\x010(" + strings.Repeat("h\x01h\x00\x85R", 10_000) + "l."
	for name, in := range map[string]string{"bomb": bomb.String() + ".", "self": self, "deep": strings.Repeat("]", 1000) + strings.Repeat("a", 999) + ".",
		"copies": copies} {
		v, err := Read([]byte(in))
		if err == nil {
			_, err = Text(v, 1<<20)
		}
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFloatsAreWrittenAsPythonWritesThem(t *testing.T) {
	for f, want := range map[float64]string{0: "0.0", 1: "1.0", 0.1: "0.1", 1e15: "1000000000000000.0", 1e16: "1e+16", 1e-4: "0.0001", 1e-5: "1e-05",
		-2.5: "-2.5", 1e300: "1e+300", 123456789.125: "123456789.125"} {
		if got := Float(f); got != want {
			t.Errorf("%v: %s, want %s", f, got, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, c := range pickles {
		f.Add([]byte(c.in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if v, err := Read(in); err == nil {
			if text, err := Text(v, 1000); err == nil && len(text) > 2000+6*len(in) {
				t.Errorf("%d bytes of %d", len(text), len(in))
			}
		}
	})
}
