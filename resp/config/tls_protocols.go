package config

import (
	"crypto/tls"
	"errors"
	"slices"
	"strings"
)

// tlsProtocols are versions of TLS, which follow on one another; "" = 1.2 and 1.3.
var tlsProtocols = oneWord(func(word string) (setting, error) {
	_, _, err := ParseTLSProtocols(word)
	return setting{text: word}, err
})

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
