package config

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"

	"diskette/resp/command"
)

var (
	errConfigAddresses  = errors.New("Too many bind addresses specified.")
	errConfigSave       = errors.New("Invalid save parameters")
	errConfigEvents     = errors.New("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
	errConfigOOMScores  = errors.New("Invalid oom-score-adj-values, elements must be between -2000 and 2000.")
	errConfigPercentile = errors.New("Invalid latency-tracking-info-percentiles parameters")
	errConfigPercRange  = errors.New("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]")
	errConfigShutdown   = errors.New("shutdown options SAVE and NOSAVE can't be used simultaneously")
)

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
