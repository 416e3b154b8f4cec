package compat_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"diskette/compat_test/testport"
)

func TestThePageForOtherMachinesNeedsAPassword(t *testing.T) {
	at := "0.0.0.0:" + testport.Free(t)
	status, said := refusedStart(t, "--port", testport.Free(t), "--dir", t.TempDir(), "--admin", at)
	if status != 1 || !strings.Contains(said, "requirepass") {
		t.Errorf("exit status %d: %s", status, said)
	}
	status, said = refusedStart(t, "--port", testport.Free(t), "--dir", t.TempDir(), "--admin", "8379")
	if status != 1 || !strings.Contains(said, "127.0.0.1:8379") {
		t.Errorf("exit status %d: %s", status, said)
	}
	s := startServer(t, subjectBin(t), "--admin", at, "--requirepass", "secret")
	url := "http://127.0.0.1" + at[strings.LastIndex(at, ":"):]
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/metrics": 401} {
		res, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %s %s", path, res.Status, body)
		}
	}
	if status := s.Terminate(); status != 0 {
		t.Errorf("it ended with %d: %s", status, s.Log.String())
	}
}
