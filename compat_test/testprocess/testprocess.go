// Package testprocess runs a test where no other one is.
package testprocess

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

const mark = "DISKETTE_TEST_OWN_PROCESS"

// Own runs a test in a process of its own. What it measures of the heap is then its own: what tests before it
// have left is collected whenever their last goroutine or timer is done with it, once 6 MB between two looks.
func Own(t *testing.T, test func()) {
	t.Helper()
	if os.Getenv(mark) == t.Name() {
		test()
		return
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.run=^"+t.Name()+"$", "-test.v", "-test.count=1")
	cmd.Env = append(os.Environ(), mark+"="+t.Name())
	out, err := cmd.CombinedOutput()
	t.Logf("in a process of its own:\n%s", out)
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()+" ") {
		t.Errorf("in a process of its own: %v", err)
	}
}
