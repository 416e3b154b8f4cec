//go:build !unix

package resp

import "time"

// cpuTime is not known on this system.
func cpuTime() (system, user time.Duration) { return 0, 0 }

// descriptorLimit is unknown here.
func descriptorLimit() (n int64, known bool) { return 0, false }
