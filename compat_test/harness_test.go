package compat_test

import (
	"bufio"
	"os"
	"strings"
	"testing"
)

// These tests look at the harness itself: a script that can not fail proves nothing.

func TestScriptsAreWrittenAsTheyWereRead(t *testing.T) {
	for _, s := range allScripts(t) {
		text, err := os.ReadFile(s.path)
		if err != nil {
			t.Fatal(err)
		}
		if s.String() != string(text) {
			t.Errorf("%s would not be written as it is", s.path)
		}
	}
}

func TestEveryStepOfAScriptHasAReply(t *testing.T) {
	if *recordFlag {
		t.Skip("NOT CHECKED: that every step has a reply, which -record writes; go test ./compat_test does")
	}
	for _, s := range allScripts(t) {
		for _, b := range s.blocks() {
			for _, step := range b.steps {
				if step.reads() == (len(step.replies) == 0) {
					t.Errorf("%s:%d: %s: %d replies", s.path, step.line, step.source, len(step.replies))
				}
			}
		}
	}
}

func TestEveryReplyHasItsOwnNotation(t *testing.T) {
	for _, c := range []struct {
		protocol int
		wire     string
		notation string
	}{
		{2, "+OK\r\n", "+OK"},
		{2, "-ERR no \r\n", `-"ERR no "`},
		{2, ":-12\r\n", ":-12"},
		{2, "$5\r\na\r\n\"b\r\n", `"a\r\n\"b"`},
		{2, "$0\r\n\r\n", `""`},
		{2, "$-1\r\n", "(nil)"},
		{2, "*-1\r\n", "(nil array)"},
		{2, "*0\r\n", "(empty array)"},
		{2, "*2\r\n*2\r\n:1\r\n*0\r\n$1\r\nb\r\n", "1) 1) :1\n   2) (empty array)\n2) \"b\""},
		{3, "_\r\n", "(nil)"},
		{3, "#t\r\n", "(true)"},
		{3, ",1.5\r\n", ",1.5"},
		{3, "(123456789012345678901\r\n", "(big) 123456789012345678901"},
		{3, "=6\r\ntxt:ab\r\n", `=txt "ab"`},
		{3, "%0\r\n", "(empty map)"},
		{3, "%2\r\n$1\r\na\r\n*2\r\n:1\r\n:2\r\n+b\r\n~1\r\n+c\r\n", "1# \"a\" => 1) :1\n          2) :2\n2# +b => 1~ +c"},
		{3, ">2\r\n$1\r\na\r\n:1\r\n", "1> \"a\"\n2> :1"},
	} {
		v, err := readValue(bufio.NewReader(strings.NewReader(c.wire)))
		if err != nil {
			t.Errorf("%q: %v", c.wire, err)
			continue
		}
		got := strings.Join(v.lines(c.protocol), "\n")
		if got != c.notation {
			t.Errorf("%q\nwant:\n%s\ngot:\n%s", c.wire, c.notation, got)
		}
		p, err := parseReply(">", strings.Split(got, "\n"))
		if err != nil {
			t.Errorf("%s: %v", got, err)
		} else if !p.match(v, c.protocol, variables{}) {
			t.Errorf("%q does not match its own notation:\n%s", c.wire, got)
		}
	}
}

func TestBrokenRepliesAreErrors(t *testing.T) {
	for _, wire := range []string{
		"\r\n", "+OK\n", ":\r\n", ":1x\r\n", ":1.5\r\n", "$2\r\nabc\r\n", "$-2\r\n", "$x\r\n", "*-2\r\n", "%-1\r\n",
		"#true\r\n", "_nil\r\n", "!3\r\nabc\r\n", "OK\r\n", "*1\r\n", "$1\r\na\n\n",
	} {
		if v, err := readValue(bufio.NewReader(strings.NewReader(wire))); err == nil {
			t.Errorf("%q was read as %s", wire, v)
		}
	}
}

func TestPatternsMatchWhatTheySayAndNothingElse(t *testing.T) {
	array := func(texts ...string) value {
		v := value{kind: kindArray}
		for _, text := range texts {
			v.elems = append(v.elems, value{kind: kindBulk, text: text})
		}
		return v
	}
	bulk := func(text string) value { return value{kind: kindBulk, text: text} }
	integer := func(text string) value { return value{kind: kindInteger, text: text} }
	for _, c := range []struct {
		pattern  string
		protocol int
		yes, no  []value
	}{
		{"+OK", 2, []value{{kind: kindSimple, text: "OK"}}, []value{bulk("OK"), {kind: kindError, text: "OK"}}},
		{"(nil)", 2, []value{{kind: kindBulk, null: true}}, []value{{kind: kindArray, null: true}, {kind: kindNull}, bulk("")}},
		{"(nil)", 3, []value{{kind: kindNull}}, []value{{kind: kindBulk, null: true}}},
		{"(nil array)", 3, []value{{kind: kindNull}}, []value{{kind: kindArray, null: true}, array()}},
		{"(empty array)", 3, []value{array()}, []value{{kind: kindMap}, {kind: kindSet}, array("a")}},
		{":2..4", 2, []value{integer("2"), integer("4")}, []value{integer("1"), integer("5"), bulk("3")}},
		{":<id>", 2, []value{integer("9")}, []value{bulk("9")}},
		{"bulk~ a+|b", 2, []value{bulk("aa"), bulk("b")}, []value{bulk("ab"), bulk(""), {kind: kindSimple, text: "a"}}},
		{"text~ a.b", 2, []value{bulk("a\nb")}, []value{{kind: kindVerbatim, text: "txt:a\nb"}}},
		{"text~ a.b", 3, []value{{kind: kindVerbatim, text: "txt:a\nb"}}, []value{bulk("a\nb")}},
		{"(any)", 2, []value{bulk(""), integer("1"), array()}, []value{{kind: kindClosed}, {kind: kindSilence}}},
		{"(any integer)", 2, []value{integer("1")}, []value{bulk("1")}},
		{"1) \"a\"\n2) \"b\"", 2, []value{array("a", "b")}, []value{array("b", "a"), array("a"), array("a", "b", "c")}},
		{"(any order)\n1) \"a\"\n2) \"b\"", 2, []value{array("a", "b"), array("b", "a")}, []value{array("a", "a"), array("a"), array("a", "b", "c")}},
		{"(any order of pairs)\n1) \"a\"\n2) \"1\"\n3) \"b\"\n4) \"2\"", 2, []value{array("b", "2", "a", "1")}, []value{array("b", "1", "a", "2")}},
		{"(at least)\n1) \"b\"", 2, []value{array("a", "b"), array("b")}, []value{array("a"), array()}},
		{"(at least pairs)\n1) \"b\"\n2) \"2\"", 2, []value{array("a", "1", "b", "2")}, []value{array("a", "b", "2", "1"), array("x", "b")}},
		{"1# \"a\" => \"1\"\n2# \"b\" => \"2\"", 3, []value{{kind: kindMap, elems: array("b", "2", "a", "1").elems}},
			[]value{array("a", "1", "b", "2"), {kind: kindMap, elems: array("a", "1").elems}}},
		{"1) (any order)\n   1) \"a\"\n   2) \"b\"", 2, []value{{kind: kindArray, elems: []value{array("b", "a")}}},
			[]value{{kind: kindArray, elems: []value{array("b", "b")}}}},
	} {
		p, err := parseReply(">", strings.Split(c.pattern, "\n"))
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		for _, v := range c.yes {
			if !p.match(v, c.protocol, variables{}) {
				t.Errorf("RESP%d: %s should match %s", c.protocol, c.pattern, v)
			}
		}
		for _, v := range c.no {
			if p.match(v, c.protocol, variables{}) {
				t.Errorf("RESP%d: %s should not match %s", c.protocol, c.pattern, v)
			}
		}
	}
}

func TestNonsenseInAReplyIsAnError(t *testing.T) {
	for _, text := range []string{
		"OK", `"open`, `"a" b`, ":1..", "(whatever)", "(any thing)", "1) :1\n3) :2", "1) :1\n:2", "bulk~ (", "1# :1", "1#  => :1", "(any order)\n(no)",
	} {
		if _, err := parseReply(">", strings.Split(text, "\n")); err == nil {
			t.Errorf("%q was understood", text)
		}
	}
}
