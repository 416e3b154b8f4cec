package numbers

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
	var h Histogram
	for i := 1; i <= 1000; i++ {
		h.Add(time.Duration(i) * time.Microsecond)
	}
	for percent, want := range map[float64]int64{0: 1, 50: 500, 99: 990, 99.9: 999, 100: 1000} {
		if got := h.Percentile(percent) / 1000; got < want || got > want+want/16+1 {
			t.Errorf("p%v is %d us, want about %d", percent, got, want)
		}
	}
}

func TestHistogramStepsEndWithAllCalls(t *testing.T) {
	var h Histogram
	h.Add(500 * time.Nanosecond)
	h.Add(3 * time.Microsecond)
	h.Add(3 * time.Microsecond)
	h.Add(time.Hour)
	steps := h.Steps(40)
	want := []histogramStep{{1, 10}, {4, 30}}
	if len(steps) != 3 || steps[0] != want[0] || steps[1] != want[1] || steps[2].Calls != 40 {
		t.Errorf("steps are %v", steps)
	}
}
