//go:build !unix

package machine

import "time"

// CPUTime is not known on this system.
func CPUTime() (system, user time.Duration) { return 0, 0 }

// descriptorLimit is unknown here.
func descriptorLimit() (n int64, known bool) { return 0, false }
