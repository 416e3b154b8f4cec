package expire

import (
	"errors"
	"math"
)

// ErrInvalid says that a TTL is zero or negative where Redis wants a positive one, or
// that the deadline does not fit in 64 bits of milliseconds.
var ErrInvalid = errors.New("invalid expire time")

// Unit is the meaning of the number after EX, PX, EXAT and PXAT, and of the EXPIRE family's.
type Unit uint8

const (
	Seconds     Unit = iota // TTL in seconds: EX, EXPIRE
	Millis                  // TTL in milliseconds: PX, PEXPIRE
	UnixSeconds             // absolute seconds: EXAT, EXPIREAT
	UnixMillis              // absolute milliseconds: PXAT, PEXPIREAT
)

func (u Unit) relative() bool { return u == Seconds || u == Millis }

// Deadline converts n to unix milliseconds, as Redis's getExpireMillisecondsOrReply for
// SET and GETEX: n must be positive and must not overflow.
func Deadline(n int64, u Unit, now int64) (int64, error) {
	if n <= 0 {
		return 0, ErrInvalid
	}
	return AnyDeadline(n, u, now)
}

// AnyDeadline converts n to unix milliseconds, as EXPIRE and its kin do: a deadline in
// the past is allowed (the key dies at once), overflow is ErrInvalid.
func AnyDeadline(n int64, u Unit, now int64) (int64, error) {
	if u == Seconds || u == UnixSeconds {
		if n > math.MaxInt64/1000 || n < math.MinInt64/1000 {
			return 0, ErrInvalid
		}
		n *= 1000
	}
	if u.relative() {
		if n > math.MaxInt64-now {
			return 0, ErrInvalid
		}
		n += now
	}
	return n, nil
}

// Condition is the NX, XX, GT and LT of the EXPIRE family; they combine as bits.
type Condition uint8

const (
	IfNone    Condition = 1 << iota // NX: only if the key has no deadline
	IfSome                          // XX: only if it has one
	IfGreater                       // GT: only if the new one is later; none counts as infinite
	IfLess                          // LT: only if the new one is earlier; none counts as infinite
)

// Allows reports whether a key with deadline old (0 = none) may get the deadline next.
func (c Condition) Allows(old, next int64) bool {
	switch {
	case c&IfNone != 0 && old != 0:
		return false
	case c&IfSome != 0 && old == 0:
		return false
	case c&IfGreater != 0 && (old == 0 || next <= old):
		return false
	case c&IfLess != 0 && old != 0 && next >= old:
		return false
	}
	return true
}
