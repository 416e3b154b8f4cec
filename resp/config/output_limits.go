package config

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

var (
	errConfigLimitWords = errors.New("Wrong number of arguments in buffer limit configuration.")
	errConfigLimitClass = errors.New("Invalid client class specified in buffer limit configuration.")
	errConfigLimitValue = errors.New("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
)

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
