package resp

import (
	"math"
	"time"

	"diskette/resp/internal/numbers"
	"diskette/store"
)

// blockRequest is what a blocking command that found nothing asks for.
type blockRequest struct {
	keys     [][]byte
	typ      store.Type    // only a key of this type can serve it; None = it wants to see every change
	timeout  time.Duration // 0 = for ever
	timedOut Reply         // the reply when the time is over
	resume   any           // what the command needs to know when it runs again: it finds it in call.resume
}

// blockOn blocks the command's client; inside MULTI and scripts it answers as if the time were over. A handler
// returns it having changed nothing.
func (c *call) blockOn(b blockRequest) Reply {
	if c.locked {
		return b.timedOut
	}
	c.block = &b
	return Reply{kind: kindBlock}
}

var errTimeoutFloat = errorReply("ERR timeout is not a float or out of range")

// timeout reads argument i as a time-out in seconds, fractions allowed; 0 = for ever.
func (c *call) timeout(i int) (timeout time.Duration, refusal Reply) {
	f, ok := numbers.ParseLongDouble(c.args[i])
	if !ok {
		return 0, errTimeoutFloat
	}
	seconds, _ := f.Float64()
	ms := math.Ceil(seconds * 1000)
	switch {
	case ms < 0:
		return 0, errTimeoutBelow
	case ms > float64(math.MaxInt64-c.now):
		return 0, errTimeoutRange
	}
	return longWait(ms), Reply{}
}

// longWait is so many milliseconds, or the longest wait there is: 292 years.
func longWait(ms float64) time.Duration {
	if ms > float64(math.MaxInt64/time.Millisecond) {
		return math.MaxInt64
	}
	return time.Duration(ms) * time.Millisecond
}
