package resp

import "testing"

func TestLatencyKeepsTheWorstOfASecond(t *testing.T) {
	var l latencies
	for i, millis := range []int64{20, 50, 30} {
		l.add("command", 100+int64(i/2), millis)
	}
	e := l.events["command"]
	if len(e.samples) != 2 || e.samples[0] != (latencySample{100, 50}) || e.samples[1] != (latencySample{101, 30}) || e.max != 50 {
		t.Errorf("%+v", e)
	}
	for i := range int64(2 * latencySamples) {
		l.add("command", 200+i, i)
	}
	if len(e.samples) != latencySamples || e.samples[0].millis != latencySamples {
		t.Errorf("%d samples, the first %v", len(e.samples), e.samples[0])
	}
}

// The picture is redis-server's for the same samples.
func TestLatencyGraphLooksAsRedisDrawsIt(t *testing.T) {
	e := latencyEvent{max: 100, samples: []latencySample{{96, 20}, {97, 12}, {98, 5}, {100, 100}}}
	want := "command - high 100 ms, low 5 ms (all time high 100 ms)\n" +
		"--------------------------------------------------------------------------------\n" +
		"   #\n   |\n   |\no__|\n    \n4320\nssss\n"
	if got := e.graph("command", 100); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}
