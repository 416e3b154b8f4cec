package ciphers

import (
	"crypto/tls"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// suites are those of TLS 1.2 and before. Their order in a list has no meaning: Go takes the strongest.
var suites = map[string]uint16{
	"ECDHE-ECDSA-AES128-GCM-SHA256": tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	"ECDHE-RSA-AES128-GCM-SHA256":   tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	"ECDHE-ECDSA-AES256-GCM-SHA384": tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	"ECDHE-RSA-AES256-GCM-SHA384":   tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	"ECDHE-ECDSA-CHACHA20-POLY1305": tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	"ECDHE-RSA-CHACHA20-POLY1305":   tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	"ECDHE-ECDSA-AES128-SHA":        tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
	"ECDHE-RSA-AES128-SHA":          tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
	"ECDHE-ECDSA-AES256-SHA":        tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
	"ECDHE-RSA-AES256-SHA":          tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
	"ECDHE-ECDSA-AES128-SHA256":     tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
	"ECDHE-RSA-AES128-SHA256":       tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
	"ECDHE-RSA-DES-CBC3-SHA":        tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA,
	"ECDHE-ECDSA-RC4-SHA":           tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA,
	"ECDHE-RSA-RC4-SHA":             tls.TLS_ECDHE_RSA_WITH_RC4_128_SHA,
	"AES128-GCM-SHA256":             tls.TLS_RSA_WITH_AES_128_GCM_SHA256,
	"AES256-GCM-SHA384":             tls.TLS_RSA_WITH_AES_256_GCM_SHA384,
	"AES128-SHA256":                 tls.TLS_RSA_WITH_AES_128_CBC_SHA256,
	"AES128-SHA":                    tls.TLS_RSA_WITH_AES_128_CBC_SHA,
	"AES256-SHA":                    tls.TLS_RSA_WITH_AES_256_CBC_SHA,
	"DES-CBC3-SHA":                  tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
	"RC4-SHA":                       tls.TLS_RSA_WITH_RC4_128_SHA,
}

// suites13 are those of TLS 1.3, which OpenSSL and Go name alike.
var suites13 = []string{"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}

// Parse reads a list for TLS 1.2 and before, as tls.Config.CipherSuites takes it. "" and DEFAULT are Go's own choice,
// nil. Of the classes and signs that OpenSSL knows besides (HIGH, !aNULL, @STRENGTH), none is understood.
func Parse(list string) (ids []uint16, err error) {
	names := split(list)
	if len(names) == 0 || len(names) == 1 && names[0] == "DEFAULT" {
		return nil, nil
	}
	for _, name := range names {
		id, known := suites[name]
		if !known {
			return nil, fmt.Errorf("no cipher is named '%s'. Known are DEFAULT, alone, and %s", name,
				strings.Join(slices.Sorted(maps.Keys(suites)), " "))
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// Parse13 reads a list for TLS 1.3. It returns the names, none for "", which is all of them.
func Parse13(list string) ([]string, error) {
	names := split(list)
	for _, name := range names {
		if !slices.Contains(suites13, name) {
			return nil, fmt.Errorf("no suite is named '%s'. Known are %s", name, strings.Join(suites13, " "))
		}
	}
	return names, nil
}

// CheckAll13 takes a list for TLS 1.3 that leaves nothing out: in a server's TLS of Go's they can not be chosen.
func CheckAll13(list string) error {
	names, err := Parse13(list)
	if err != nil || len(names) == 0 {
		return err
	}
	for _, name := range suites13 {
		if !slices.Contains(names, name) {
			return fmt.Errorf("%s can not be left out: the Go language always offers all suites of TLS 1.3. Name all three, "+
				"or none, or leave TLSv1.3 out of tls-protocols and this list empty", name)
		}
	}
	return nil
}

// split takes the marks between names that OpenSSL takes.
func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ':' || r == ',' || r == ' ' })
}
