package compat_test

import "testing"

// What the server looked up ahead for a pipeline must not outlive it: in the next one, another
// key stands in the same place of the same buffer.
func TestACommandGoesToItsOwnKeyWhateverThePipelineBeforeItNamed(t *testing.T) {
	s := startServer(t, subjectBin(t))
	c, other := dial(t, s.Addr), dial(t, s.Addr)
	other.Do("MSET", "first", "1", "key:aa", "10", "own:bb", "20")
	echo := []any{"ECHO", "key:aa"} // a key's name, but not as a key
	c.Pipeline([]any{"GET", "first"}, echo, echo, echo, echo)
	if v := c.Pipeline([]any{"GET", "first"}, []any{"INCR", "own:bb"}); v[1].text != "21" {
		t.Errorf("INCR own:bb: %s, should be 21", v[1])
	}
	queued := []any{"INCR", "key:aa"}
	c.Pipeline([]any{"GET", "first"}, []any{"MULTI"}, queued, queued, queued, []any{"EXEC"})
	if v := c.Pipeline([]any{"GET", "first"}, []any{"EXISTS"}, []any{"INCR", "own:bb"}); v[2].text != "22" {
		t.Errorf("INCR own:bb: %s, should be 22", v[2])
	}
	if v := other.Do("MGET", "first", "key:aa", "own:bb"); v.String() != "1) \"1\"\n2) \"13\"\n3) \"22\"" {
		t.Errorf("afterwards the keys are\n%s", v)
	}
}
