package command

import (
	"math"
	"time"

	"diskette/resp/internal/numbers"
	"diskette/store"
)

// BlockRequest is what a blocking command that found nothing asks for.
type BlockRequest struct {
	Keys     [][]byte
	Type     store.Type    // only a key of this type can serve it; None = it wants to see every change
	Timeout  time.Duration // 0 = for ever
	TimedOut Reply         // the reply when the time is over
	// Reached, if it is set, is asked instead, and whenever replicas have acknowledged something: the reply, and
	// whether the wait is over.
	Reached func() (reply Reply, over bool)
	Resume  any // what the command needs to know when it runs again: it finds it in Call.Resume
}

// BlockOn blocks the command's client; inside MULTI and scripts it answers as if the time were over. A function
// returns it having changed nothing.
func (c *Call) BlockOn(b BlockRequest) Reply {
	if c.Locked {
		return b.TimedOut
	}
	c.Block = &b
	return Reply{Kind: KindBlock}
}

// A popping function pops from a key and answers for the command. found is false if the key holds nothing.
type popping func(tx *store.Tx, c *Call, key []byte) (reply Reply, found bool)

// blockingPop is BLPOP, BZPOPMIN and their like, which pop from the first key that holds something.
func blockingPop(typ store.Type, pop popping) writing {
	return func(tx *store.Tx, c *Call) Reply {
		last := len(c.Args) - 1
		timeout, refusal := c.timeout(last)
		if refusal.IsError() {
			return refusal
		}
		for _, key := range c.Args[1:last] {
			if reply, found := pop(tx, c, key); found || reply.IsError() {
				return reply
			}
		}
		return c.BlockOn(BlockRequest{Keys: c.Args[1:last], Type: typ, Timeout: timeout, TimedOut: ReplyNoArray})
	}
}

var errTimeoutFloat = ErrorReply("ERR timeout is not a float or out of range")

// timeout reads argument i as a time-out in seconds, fractions allowed; 0 = for ever.
func (c *Call) timeout(i int) (timeout time.Duration, refusal Reply) {
	f, ok := numbers.ParseLongDouble(c.Args[i])
	if !ok {
		return 0, errTimeoutFloat
	}
	seconds, _ := f.Float64()
	ms := math.Ceil(seconds * 1000)
	switch {
	case ms < 0:
		return 0, ErrTimeoutBelow
	case ms > float64(math.MaxInt64-c.Now):
		return 0, ErrTimeoutRange
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
