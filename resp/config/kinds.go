package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"diskette/resp/command"
)

// A setting is a parameter's value: as CONFIG GET shows it, and as a number where it is one
// (yes 1, no 0; a memory size in bytes; a percentage is negative).
type setting struct {
	text   string // as CONFIG GET shows it
	number int64
	conf   string // as a conf file has it, where text leaves something out; "" = as text
}

// A valueKind says what a parameter's value may be.
type valueKind struct {
	// parse turns the words of a value into a setting. old is the setting's text until now, for
	// kinds whose words change a part of it. Error texts are Redis 7's.
	parse func(words []string, old string) (setting, error)
	many  bool // takes any number of words; else exactly one
	adds  bool // in a file, a further line adds to those before it
}

// apply parses the words of one line or of one CONFIG SET value.
func (k valueKind) apply(words []string, old string) (setting, error) {
	if !k.many && len(words) != 1 {
		return setting{}, errConfigWordCount
	}
	if k.many && len(words) == 1 { // `--save "900 1"`, CONFIG SET save "900 1"
		words = splitSpaces(words[0])
	}
	return k.parse(words, old)
}

// splitSpaces cuts at every single space, so that doubled spaces give empty words (which
// most kinds refuse), as Redis does. An empty text has no words.
func splitSpaces(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, " ")
}

// oneWord is a kind of exactly one word.
func oneWord(parse func(word string) (setting, error)) valueKind {
	return valueKind{parse: func(words []string, _ string) (setting, error) { return parse(words[0]) }}
}

var (
	errConfigWordCount  = errors.New("wrong number of arguments")
	errConfigFileName   = errors.New("dbfilename can't be a path, just a filename")
	errConfigYesNo      = errors.New("argument must be 'yes' or 'no'")
	errConfigNotInteger = errors.New("argument couldn't be parsed into an integer")
	errConfigNotOctal   = errors.New("argument couldn't be parsed as an octal number")
	errConfigNotMemory  = errors.New("argument must be a memory value")
	errConfigNotPercent = errors.New("argument must be a memory or percent value")
	errConfigPercent    = errors.New("percentage argument must be less or equal to 100")
	errConfigAddresses  = errors.New("Too many bind addresses specified.")
	errConfigSave       = errors.New("Invalid save parameters")
	errConfigEvents     = errors.New("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
	errConfigOOMScores  = errors.New("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
	errConfigPercentile = errors.New("Invalid latency-tracking-info-percentiles parameters")
	errConfigPercRange  = errors.New("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
	errConfigShutdown   = errors.New("shutdown options SAVE and NOSAVE can't be used simultaneously")
	errConfigLimitWords = errors.New("Wrong number of arguments in buffer limit configuration.")
	errConfigLimitClass = errors.New("Invalid client class specified in buffer limit configuration.")
	errConfigLimitValue = errors.New("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
)

var anyText = oneWord(func(word string) (setting, error) { return setting{text: word}, nil })

// fileName is one without a directory.
var fileName = oneWord(func(word string) (setting, error) {
	if strings.ContainsRune(word, '/') {
		return setting{}, errConfigFileName
	}
	return setting{text: word}, nil
})

var yesOrNo = oneWord(func(word string) (setting, error) {
	switch strings.ToLower(word) {
	case "yes":
		return setting{text: "yes", number: 1}, nil
	case "no":
		return setting{text: "no", number: 0}, nil
	}
	return setting{}, errConfigYesNo
})

// alwaysYes takes a yes or no and remains yes; its number is what was said.
var alwaysYes = oneWord(func(word string) (setting, error) {
	said, err := yesOrNo.parse([]string{word}, "")
	return setting{text: "yes", number: said.number}, err
})

// neverBut is for a promise that can not be kept: any value but the harmless ones ends the
// start (or CONFIG SET) with the reason. The first harmless value is the one shown.
func neverBut(reason string, harmless ...string) valueKind {
	return valueKind{many: true, parse: func(words []string, _ string) (setting, error) {
		if slices.Contains(harmless, strings.ToLower(strings.Join(words, " "))) {
			return setting{text: harmless[0]}, nil
		}
		return setting{}, errors.New(reason)
	}}
}

// master is a host and a port, or no one.
var master = valueKind{many: true, parse: func(words []string, _ string) (setting, error) {
	switch {
	case len(words) == 0 || len(words) == 1 && words[0] == "":
		return setting{}, nil
	case len(words) != 2:
		return setting{}, errConfigWordCount
	case strings.EqualFold(words[0], "no") && strings.EqualFold(words[1], "one"):
		return setting{}, nil
	}
	if port, err := strconv.Atoi(words[1]); err != nil || port <= 0 || port > 65535 {
		return setting{}, errors.New("Invalid master port")
	}
	return setting{text: words[0] + " " + words[1]}, nil
}}

// tlsProtocols are versions of TLS, which follow on one another; "" = 1.2 and 1.3.
var tlsProtocols = oneWord(func(word string) (setting, error) {
	_, _, err := ParseTLSProtocols(word)
	return setting{text: word}, err
})

func oneOf(names ...string) valueKind {
	return oneWord(func(word string) (setting, error) {
		word = strings.ToLower(word)
		if !slices.Contains(names, word) {
			return setting{}, errConfigNotOneOf(names)
		}
		return setting{text: word}, nil
	})
}

func errConfigNotOneOf(names []string) error {
	return fmt.Errorf("argument(s) must be one of the following: %s", strings.Join(names, ", "))
}

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

// directoryPath is made absolute at once: the working directory does not change later.
var directoryPath = oneWord(func(word string) (setting, error) {
	path, err := filepath.Abs(word)
	return setting{text: path}, err
})

// bindAddresses are at most 16 to listen on: "*" = all of IPv4, "::*" of IPv6; one that starts with
// a minus may be unavailable.
var bindAddresses = valueKind{many: true, parse: func(words []string, _ string) (setting, error) {
	if len(words) > 16 {
		return setting{}, errConfigAddresses
	}
	return setting{text: strings.Join(words, " ")}, nil
}}

// savePoints are pairs of seconds and changes.
var savePoints = valueKind{many: true, adds: true, parse: func(words []string, old string) (setting, error) {
	if len(words) == 0 {
		return setting{}, nil
	}
	if len(words)%2 != 0 {
		return setting{}, errConfigSave
	}
	for i, word := range words {
		n, err := parseDecimal(word)
		if err != nil || n < 0 || n == 0 && i%2 == 0 || n > math.MaxInt32 {
			return setting{}, errConfigSave
		}
	}
	if old != "" {
		words = append([]string{old}, words...)
	}
	return setting{text: strings.Join(words, " ")}, nil
}}

// eventClasses are the letters of notify-keyspace-events; shown in Redis' order, with A for
// all the classes of "g$lshzxetd". Redis does not show an n beside A, although it holds: the number has all
// that was asked for, as EventClass.
var eventClasses = oneWord(func(word string) (setting, error) {
	const all, others = "g$lshzxetd", "n"
	if strings.Trim(word, "A"+all+others+"KEm") != "" {
		return setting{}, errConfigEvents
	}
	if strings.Contains(word, "A") {
		word += all
	}
	asked := command.AskedEvents(word)
	keep := func(letters string) string {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(word, r) {
				return r
			}
			return -1
		}, letters)
	}
	classes := keep(all)
	if classes == all {
		classes = "A"
	} else {
		classes += keep(others)
	}
	shown := classes + keep("KEm")
	conf := shown
	if classes == "A" {
		conf += keep(others)
	}
	return setting{text: shown, number: int64(asked), conf: conf}, nil
})

var oomScores = valueKind{many: true, parse: func(words []string, _ string) (setting, error) {
	if len(words) != 3 {
		return setting{}, errConfigWordCount
	}
	for _, word := range words {
		if n, err := strconv.Atoi(word); err != nil || n < -2000 || n > 2000 {
			return setting{}, errConfigOOMScores
		}
	}
	return setting{text: strings.Join(words, " ")}, nil
}}

var percentiles = valueKind{many: true, parse: func(words []string, _ string) (setting, error) {
	shown := make([]string, len(words))
	for i, word := range words {
		n, err := strconv.ParseFloat(word, 64)
		if err != nil || math.IsNaN(n) {
			return setting{}, errConfigPercentile
		}
		if n < 0 || n > 100 {
			return setting{}, errConfigPercRange
		}
		shown[i] = strconv.FormatFloat(n, 'f', -1, 64)
	}
	return setting{text: strings.Join(shown, " ")}, nil
}}

// shutdownFlags say how a signal shuts the server down.
var shutdownFlags = valueKind{many: true, parse: func(words []string, _ string) (setting, error) {
	names := []string{"default", "save", "nosave", "now", "force"}
	given := make(map[string]bool)
	for _, word := range words {
		given[strings.ToLower(word)] = true
		if !slices.Contains(names, strings.ToLower(word)) {
			return setting{}, errConfigNotOneOf(names)
		}
	}
	if len(words) == 0 {
		return setting{}, errConfigNotOneOf(names)
	}
	if given["save"] && given["nosave"] {
		return setting{}, errConfigShutdown
	}
	shown := slices.DeleteFunc(names[1:], func(name string) bool { return !given[name] })
	if len(shown) == 0 {
		return setting{text: "default"}, nil
	}
	return setting{text: strings.Join(shown, " ")}, nil
}}

// An OutputLimit bounds what may wait to be sent to one client: over HardBytes, or over
// SoftBytes for SoftSeconds on end, the client is cut off. 0 = no limit.
type OutputLimit struct {
	HardBytes, SoftBytes, SoftSeconds int64
}

// Soft is for how long more than the soft limit may wait.
func (l OutputLimit) Soft() time.Duration { return time.Duration(l.SoftSeconds) * time.Second }

// OutputLimits are client-output-buffer-limit's, one a class of clients.
type OutputLimits struct {
	Normal, Replica, PubSub OutputLimit
}

// change sets the limits of the classes named in words: class hard soft seconds, repeated.
func (limits *OutputLimits) change(words []string) error {
	if len(words)%4 != 0 {
		return errConfigLimitWords
	}
	for ; len(words) > 0; words = words[4:] {
		var class *OutputLimit
		switch strings.ToLower(words[0]) {
		case "normal":
			class = &limits.Normal
		case "replica", "slave":
			class = &limits.Replica
		case "pubsub":
			class = &limits.PubSub
		default:
			return errConfigLimitClass
		}
		hard, err1 := ParseMemory(words[1])
		soft, err2 := ParseMemory(words[2])
		seconds, err3 := parseDecimal(words[3])
		if err1 != nil || err2 != nil || err3 != nil || seconds < 0 {
			return errConfigLimitValue
		}
		*class = OutputLimit{hard, soft, seconds}
	}
	return nil
}

var outputLimits = valueKind{many: true, parse: func(words []string, old string) (setting, error) {
	var limits OutputLimits
	if err := limits.change(strings.Fields(old)); err != nil {
		return setting{}, err
	}
	if err := limits.change(words); err != nil {
		return setting{}, err
	}
	n, r, p := limits.Normal, limits.Replica, limits.PubSub
	return setting{text: fmt.Sprintf("normal %d %d %d slave %d %d %d pubsub %d %d %d",
		n.HardBytes, n.SoftBytes, n.SoftSeconds, r.HardBytes, r.SoftBytes, r.SoftSeconds,
		p.HardBytes, p.SoftBytes, p.SoftSeconds)}, nil
}}

var (
	errTLSProtocols = errors.New("Invalid tls-protocols specified. Use a combination of 'TLSv1', 'TLSv1.1', 'TLSv1.2' and 'TLSv1.3'.")
	errTLSGap       = errors.New("Invalid tls-protocols specified. The versions must follow on one another.")
)

// ParseTLSProtocols reads tls-protocols; "" = 1.2 and 1.3, as Redis has it.
func ParseTLSProtocols(text string) (lowest, highest uint16, err error) {
	if text == "" {
		return tls.VersionTLS12, tls.VersionTLS13, nil
	}
	wanted := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
	for _, word := range wanted {
		known := false
		for _, v := range tlsVersions {
			known = known || strings.EqualFold(v.word, word)
		}
		if !known {
			return 0, 0, errTLSProtocols
		}
	}
	n := 0
	for _, v := range tlsVersions {
		if slices.ContainsFunc(wanted, func(word string) bool { return strings.EqualFold(v.word, word) }) {
			if n == 0 {
				lowest = v.version
			}
			highest, n = v.version, n+1
		}
	}
	switch {
	case n == 0:
		return 0, 0, errTLSProtocols
	case int(highest-lowest) != n-1:
		return 0, 0, errTLSGap
	}
	return lowest, highest, nil
}

// tlsVersions are tls-protocols' words, the oldest first.
var tlsVersions = []struct {
	word    string
	version uint16
}{
	{"TLSv1", tls.VersionTLS10}, {"TLSv1.1", tls.VersionTLS11}, {"TLSv1.2", tls.VersionTLS12}, {"TLSv1.3", tls.VersionTLS13},
}
