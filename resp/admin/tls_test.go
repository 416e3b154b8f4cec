package admin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	numbers "math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// certify writes a certificate of 127.0.0.1 and its key into a directory, and returns what trusts it.
func certify(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	of := &x509.Certificate{SerialNumber: numbers.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	cert, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	trust := x509.NewCertPool()
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		text := pem.EncodeToMemory(block)
		trust.AppendCertsFromPEM(text)
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return trust
}

func TestThePageByTLS(t *testing.T) {
	dir := t.TempDir()
	trust := certify(t, dir)
	s := start(t, t.TempDir(), "--requirepass", "secret", "--admin", "127.0.0.1:0", "--tls-admin", "yes",
		"--tls-cert-file", filepath.Join(dir, "cert.pem"), "--tls-key-file", filepath.Join(dir, "key.pem"))
	browserThatTrusts := func(trust *x509.CertPool) *http.Client {
		c := browser(t)
		c.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust}}
		return c
	}
	c := browserThatTrusts(trust)
	res, err := c.PostForm(s.at+"/login", url.Values{"user": {"default"}, "password": {"secret"}})
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if set := res.Cookies(); res.StatusCode != http.StatusSeeOther || len(set) != 1 || !set[0].Secure {
		t.Errorf("%s %v", res.Status, set)
	}
	if status, body := s.get(c, "/"); status != http.StatusOK || !strings.Contains(body, "Commands a second") {
		t.Errorf("%d %.300s", status, body)
	}
	res, err = http.Get("http://" + strings.TrimPrefix(s.at, "https://") + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusBadRequest {
		t.Errorf("without TLS: %s", res.Status)
	}
	next := certify(t, dir)
	s.do("CONFIG", "SET", "tls-cert-file", filepath.Join(dir, "cert.pem"), "tls-key-file", filepath.Join(dir, "key.pem"))
	if status, _ := s.get(browserThatTrusts(next), "/healthz"); status != http.StatusOK {
		t.Errorf("with a new certificate: %d", status)
	}
	if _, err := browserThatTrusts(trust).Get(s.at + "/healthz"); err == nil {
		t.Error("the old certificate is shown still")
	}
}
