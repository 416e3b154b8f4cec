package resp

import (
	"testing"
	"time"
)

func TestEveryTimeFallsIntoABucketThatIsNotMuchLonger(t *testing.T) {
	last := -1
	for nanos := int64(0); nanos < 1<<31; nanos += 1 + nanos/100 {
		i := bucket(nanos)
		if i < last || bucketTop(i) < nanos || bucketTop(i) > nanos+nanos/16+1 || i > 0 && bucketTop(i-1) >= nanos {
			t.Fatalf("%d ns: bucket %d up to %d", nanos, i, bucketTop(i))
		}
		last = i
	}
	if i := bucket(int64(time.Hour)); i != histogramBuckets-1 {
		t.Errorf("an hour is in bucket %d", i)
	}
}

func TestPercentilesAreThoseOfTheTimes(t *testing.T) {
	var h histogram
	for i := 1; i <= 1000; i++ {
		h.add(time.Duration(i) * time.Microsecond)
	}
	for percent, want := range map[float64]int64{0: 1, 50: 500, 99: 990, 99.9: 999, 100: 1000} {
		if got := h.percentile(percent) / 1000; got < want || got > want+want/16+1 {
			t.Errorf("p%v is %d us, want about %d", percent, got, want)
		}
	}
}

func TestHistogramStepsEndWithAllCalls(t *testing.T) {
	var h histogram
	h.add(500 * time.Nanosecond)
	h.add(3 * time.Microsecond)
	h.add(3 * time.Microsecond)
	h.add(time.Hour)
	steps := h.steps(40)
	want := []histogramStep{{1, 10}, {4, 30}}
	if len(steps) != 3 || steps[0] != want[0] || steps[1] != want[1] || steps[2].calls != 40 {
		t.Errorf("steps are %v", steps)
	}
}

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
