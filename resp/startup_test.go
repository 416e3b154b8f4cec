package resp

import "testing"

// What an import leaves is still counted when the server is ready, and freed soon after.
func TestStartupMemoryIsWhatIsInUseWithoutData(t *testing.T) {
	var p sampler
	p.startBytes.Store(34_000_000)
	for _, test := range []struct{ used, hot, want int64 }{
		{40_000_000, 1_000_000, 34_000_000},
		{26_000_000, 6_000_000, 20_000_000},
		{60_000_000, 30_000_000, 20_000_000},
		{5_000_000, 6_000_000, 0},
	} {
		if got := p.startup(test.used, test.hot); got != test.want {
			t.Errorf("%d in use, %d of them keys: %d, should be %d", test.used, test.hot, got, test.want)
		}
	}
}
