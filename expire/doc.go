// Package expire decides when a key dies: it turns a client's TTL options into a
// deadline, orders the deadlines of keys in memory, and drives the periodic sweep.
//
// A deadline is an absolute time in unix milliseconds; 0 means none. A key whose
// deadline is at or before the command's clock reading is gone for every reader at once
// (invariant I6); the sweeper only takes back the memory and the disk.
package expire

import "time"

// NowMillis reads the clock in unix milliseconds. Commands read it once (I10).
func NowMillis() int64 { return time.Now().UnixMilli() }

// Due reports whether a deadline has passed at now; both are unix milliseconds.
func Due(deadline, now int64) bool { return deadline != 0 && deadline <= now }
