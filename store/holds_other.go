//go:build !linux

package store

import "time"

// threadTime is 0 where the processor time of a thread is not known.
func threadTime() time.Duration { return 0 }
