package store

import (
	"fmt"
	"testing"
)

func TestAStartTellsWhatItFoundAndDid(t *testing.T) {
	d := newDisk(t)
	dir := t.TempDir()
	st := opened(t, dir, d.use)
	if o := st.Opened(); !o.New || o.Dir != dir || o.Keys != 0 || o.LastEnd != "" || o.Format != sealedVersion || o.Records != 0 {
		t.Errorf("a new directory: %+v", o)
	}
	for i := range 20 {
		if err := set(st, fmt.Sprint("k", i%10), "v"); err != nil {
			t.Fatal(err)
		}
	}
	killed := d.killed(t, dir)
	st = reopened(t, st)
	if o := st.Opened(); o.New || o.Keys != 10 || o.LastEnd != "clean" || o.Records != 0 || o.Rows != 0 || o.DatabaseBytes == 0 {
		t.Errorf("after an end in order: %+v", o)
	}
	st = opened(t, killed)
	if o := st.Opened(); o.New || o.Keys != 10 || o.LastEnd != "not clean" || o.Records != 20 || o.Rows != 10 || o.JournalBytes == 0 || o.Recovery == 0 {
		t.Errorf("after a kill: %+v", o)
	}
}
