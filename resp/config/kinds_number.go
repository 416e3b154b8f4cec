package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

var (
	errConfigNotInteger = errors.New("argument couldn't be parsed into an integer")
	errConfigNotOctal   = errors.New("argument couldn't be parsed as an octal number")
	errConfigNotMemory  = errors.New("argument must be a memory value")
	errConfigNotPercent = errors.New("argument must be a memory or percent value")
	errConfigPercent    = errors.New("percentage argument must be less or equal to 100")
)

func checkRange(n, low, high int64) error {
	if n < low || n > high {
		return fmt.Errorf("argument must be between %d and %d inclusive", low, high)
	}
	return nil
}

// parseDecimal reads an integer as Redis' string2ll does: no sign but a minus, no leading zeros.
func parseDecimal(word string) (int64, error) {
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != word {
		return 0, errConfigNotInteger
	}
	return n, nil
}

func intRange(low, high int64) valueKind {
	return oneWord(func(word string) (setting, error) {
		n, err := parseDecimal(word)
		if err == nil {
			err = checkRange(n, low, high)
		}
		return setting{text: word, number: n}, err
	})
}

// clampedInt takes any integer from 0 and brings it into the range, as Redis does with hz.
func clampedInt(low, high int64) valueKind {
	return oneWord(func(word string) (setting, error) {
		got, err := intRange(0, math.MaxInt32).parse([]string{word}, "")
		n := min(max(got.number, low), high)
		return setting{text: strconv.FormatInt(n, 10), number: n}, err
	})
}

// fileMode is a file's permissions in octal digits, also when shown; 0 = what the umask gives.
var fileMode = oneWord(func(word string) (setting, error) {
	if word == "" {
		word = "0"
	}
	n, err := strconv.ParseInt(word, 8, 64)
	if err != nil {
		return setting{}, errConfigNotOctal
	}
	if n < 0 || n > 0o777 {
		return setting{}, errors.New("argument must be between 0 and 777 inclusive")
	}
	return setting{text: strconv.FormatInt(n, 8), number: n}, nil
})

var memoryUnits = map[string]int64{
	"": 1, "b": 1,
	"k": 1000, "kb": 1 << 10,
	"m": 1000_000, "mb": 1 << 20,
	"g": 1000_000_000, "gb": 1 << 30,
}

// ParseMemory reads a size as redis.conf gives it: digits and a unit of any case, of which k, m
// and g count in thousands and kb, mb and gb in 1024s. No digits are 0, as in Redis; unlike
// Redis, a size that overflows is refused instead of wrapping around.
func ParseMemory(word string) (int64, error) {
	digits := len(word) - len(strings.TrimLeft(word, "0123456789"))
	unit, known := memoryUnits[strings.ToLower(word[digits:])]
	if !known {
		return 0, errConfigNotMemory
	}
	if digits == 0 {
		return 0, nil
	}
	n, err := strconv.ParseInt(word[:digits], 10, 64)
	if err != nil || n > math.MaxInt64/unit {
		return 0, errConfigNotMemory
	}
	return n * unit, nil
}

func memorySize(low int64) valueKind {
	return oneWord(func(word string) (setting, error) {
		n, err := ParseMemory(word)
		if err == nil {
			err = checkRange(n, low, math.MaxInt64)
		}
		return setting{text: strconv.FormatInt(n, 10), number: n}, err
	})
}

// noneOrMemorySize is 0, or a size that is no less than a least one.
func noneOrMemorySize(least int64) valueKind {
	return oneWord(func(word string) (setting, error) {
		n, err := ParseMemory(word)
		if err == nil && (n < 0 || n > 0 && n < least) {
			err = fmt.Errorf("argument must be 0 or at least %d", least)
		}
		return setting{text: strconv.FormatInt(n, 10), number: n}, err
	})
}

// memoryOrPercent is a size in bytes, or n% of maxmemory kept as -n.
var memoryOrPercent = oneWord(func(word string) (setting, error) {
	if percent, ok := strings.CutSuffix(word, "%"); ok {
		n, err := parseDecimal(percent)
		switch {
		case err != nil || n < 0:
			return setting{}, errConfigNotPercent
		case n > 100:
			return setting{}, errConfigPercent
		}
		return setting{text: word, number: -n}, nil
	}
	n, err := ParseMemory(word)
	if err != nil {
		return setting{}, errConfigNotPercent
	}
	return setting{text: strconv.FormatInt(n, 10), number: n}, nil
})

var errConfigNotDuration = errors.New("argument must be a time such as 90s, 10m or 2h, or 0")

var durationUnits = map[string]int64{"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}

// duration is a time: digits, and a unit of which none is seconds. The number is in seconds.
var duration = oneWord(func(word string) (setting, error) {
	digits := len(word) - len(strings.TrimLeft(word, "0123456789"))
	unit, known := durationUnits[strings.ToLower(word[digits:])]
	n, err := strconv.ParseInt(word[:digits], 10, 64)
	if !known || err != nil || n > math.MaxInt32 {
		return setting{}, errConfigNotDuration
	}
	return setting{text: word, number: n * unit}, nil
})
