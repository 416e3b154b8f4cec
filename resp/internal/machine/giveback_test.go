package machine

import (
	"testing"
	"time"
)

func TestMemoryIsGivenBack(t *testing.T) {
	much := make([]byte, 64<<20)
	for i := range much {
		much[i] = 1
	}
	much = nil
	for start := time.Now(); garbage() >= worthwhile; time.Sleep(time.Millisecond) {
		GiveBack()
		if time.Since(start) > time.Minute {
			t.Fatalf("%d MB of garbage are kept", garbage()>>20)
		}
	}
}
