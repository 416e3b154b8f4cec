package ciphers

import (
	"crypto/tls"
	"slices"
	"strings"
	"testing"
)

// OpenSSL's name follows from the standard's, so a wrong pair of a name and a number shows.
func TestEachSuiteOfGoHasOpenSSLsName(t *testing.T) {
	known := 0
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if slices.Equal(s.SupportedVersions, []uint16{tls.VersionTLS13}) {
			if !slices.Contains(suites13, s.Name) {
				t.Errorf("%s of TLS 1.3 is not known", s.Name)
			}
			continue
		}
		known++
		name := strings.NewReplacer("TLS_RSA_WITH_", "", "TLS_", "", "_WITH", "", "3DES_EDE_CBC", "DES_CBC3", "RC4_128", "RC4",
			"AES_128", "AES128", "AES_256", "AES256", "POLY1305_SHA256", "POLY1305").Replace(s.Name)
		if strings.Contains(name, "AES") {
			name = strings.Replace(name, "_CBC", "", 1)
		}
		name = strings.ReplaceAll(name, "_", "-")
		if id, ok := suites[name]; !ok || id != s.ID {
			t.Errorf("%s is %#x as %s, want %#x", s.Name, id, name, s.ID)
		}
	}
	if known != len(suites) {
		t.Errorf("%d suites have names, Go has %d", len(suites), known)
	}
}

func TestAListIsTakenWholeOrNotAtAll(t *testing.T) {
	for _, list := range []string{"", "DEFAULT"} {
		if ids, err := Parse(list); ids != nil || err != nil {
			t.Errorf("%q is %v, %v", list, ids, err)
		}
	}
	want := []uint16{tls.TLS_RSA_WITH_AES_256_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
	for _, list := range []string{"AES256-SHA:ECDHE-RSA-AES128-GCM-SHA256", "AES256-SHA,ECDHE-RSA-AES128-GCM-SHA256", "AES256-SHA ECDHE-RSA-AES128-GCM-SHA256"} {
		if ids, err := Parse(list); !slices.Equal(ids, want) || err != nil {
			t.Errorf("%q is %v, %v", list, ids, err)
		}
	}
	for list, named := range map[string]string{
		"HIGH": "'HIGH'", "AES256-SHA:!aNULL": "'!aNULL'", "AES256-SHA:@STRENGTH": "'@STRENGTH'", "DEFAULT:!MEDIUM": "'DEFAULT'",
		"TLS_AES_128_GCM_SHA256": "'TLS_AES_128_GCM_SHA256'", "aes256-sha": "'aes256-sha'",
	} {
		ids, err := Parse(list)
		if ids != nil || err == nil || !strings.Contains(err.Error(), named) || !strings.Contains(err.Error(), "ECDHE-RSA-AES128-GCM-SHA256") {
			t.Errorf("%q is %v, %v", list, ids, err)
		}
	}
}

func TestNoSuiteOfTLS13IsLeftOut(t *testing.T) {
	all := strings.Join(suites13, ":")
	for list, named := range map[string]string{
		"": "", all: "", strings.Join(suites13[:2], ":"): suites13[2], suites13[1]: suites13[0], all + ":TLS_X": "'TLS_X'",
	} {
		err := CheckAll13(list)
		if (err == nil) != (named == "") || err != nil && !strings.Contains(err.Error(), named) {
			t.Errorf("%q: %v", list, err)
		}
	}
}
