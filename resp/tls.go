package resp

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"diskette/resp/config"
	"diskette/resp/internal/ciphers"
)

var (
	errTLSNoCert = errors.New("No tls-cert-file configured!")
	errTLSNoKey  = errors.New("No tls-key-file configured!")
	errTLSNoCA   = errors.New("Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-auth-clients is enabled!")
)

// tlsSettings are the parameters that loadTLS reads.
var tlsSettings = []string{
	"tls-cert-file", "tls-key-file", "tls-key-file-pass", "tls-ca-cert-file", "tls-ca-cert-dir", "tls-auth-clients",
	"tls-protocols", "tls-ciphers", "tls-session-caching",
}

// loadTLS reads the certificates that tls-port's connections are served with.
func loadTLS(c *config.Config) (*tls.Config, error) {
	t, err := loadOwnTLS(c)
	if err != nil {
		return nil, err
	}
	if t.ClientCAs, err = loadAuthorities(c.Text("tls-ca-cert-file"), c.Text("tls-ca-cert-dir")); err != nil {
		return nil, err
	}
	switch c.Text("tls-auth-clients") {
	case "yes":
		t.ClientAuth = tls.RequireAndVerifyClientCert
	case "optional":
		t.ClientAuth = tls.VerifyClientCertIfGiven
	}
	if t.ClientAuth != tls.NoClientCert && t.ClientCAs == nil {
		return nil, errTLSNoCA
	}
	return t, nil
}

// loadOwnTLS reads what the server shows of itself, and how it speaks.
func loadOwnTLS(c *config.Config) (*tls.Config, error) {
	t := &tls.Config{SessionTicketsDisabled: !c.Bool("tls-session-caching")}
	var err error
	if t.MinVersion, t.MaxVersion, err = config.ParseTLSProtocols(c.Text("tls-protocols")); err != nil {
		return nil, err
	}
	if t.CipherSuites, err = ciphers.Parse(c.Text("tls-ciphers")); err != nil {
		return nil, err
	}
	cert, err := loadKeyPair(c.Text("tls-cert-file"), c.Text("tls-key-file"), c.Text("tls-key-file-pass"))
	t.Certificates = []tls.Certificate{cert}
	return t, err
}

// loadAdminTLS is loadTLS for the admin page: browsers say who they are by password, whatever tls-auth-clients says.
func loadAdminTLS(c *config.Config) (*tls.Config, error) {
	t, err := loadOwnTLS(c)
	if err == nil {
		t.NextProtos = []string{"http/1.1"}
	}
	return t, err
}

// AdminTLS is how the admin page is served, nil = without TLS. Each connection has the certificate of its time.
func (s *Server) AdminTLS() *tls.Config {
	if s.adminTLS.Load() == nil {
		return nil
	}
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return s.adminTLS.Load(), nil }}
}

// checkTLS looks at what there is of a configuration that may be incomplete, since nothing is served with it.
func checkTLS(c *config.Config) error {
	_, _, err := config.ParseTLSProtocols(c.Text("tls-protocols"))
	certFile, keyFile, password := c.Text("tls-cert-file"), c.Text("tls-key-file"), c.Text("tls-key-file-pass")
	switch {
	case err != nil:
	case certFile != "" && keyFile != "":
		_, err = loadKeyPair(certFile, keyFile, password)
	case certFile != "":
		err = checkCertificate(certFile)
	case keyFile != "":
		err = checkKey(keyFile, password)
	}
	if err == nil {
		_, err = loadAuthorities(c.Text("tls-ca-cert-file"), c.Text("tls-ca-cert-dir"))
	}
	return err
}

func checkCertificate(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("Failed to load certificate: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(content) {
		return fmt.Errorf("Failed to load certificate: %s holds no certificate", file)
	}
	return nil
}

func checkKey(file, password string) error {
	content, err := readKey(file, password)
	if err != nil {
		return err
	}
	for b, rest := pem.Decode(content); b != nil; b, rest = pem.Decode(rest) {
		_, errPKCS8 := x509.ParsePKCS8PrivateKey(b.Bytes)
		_, errPKCS1 := x509.ParsePKCS1PrivateKey(b.Bytes)
		_, errEC := x509.ParseECPrivateKey(b.Bytes)
		if errPKCS8 == nil || errPKCS1 == nil || errEC == nil {
			return nil
		}
	}
	return fmt.Errorf("Failed to load private key: %s holds no key", file)
}

// readKey reads a key without its password.
func readKey(file, password string) ([]byte, error) {
	key, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("Failed to load private key: %w", err)
	}
	if key, err = decryptKey(key, password); err != nil {
		return nil, fmt.Errorf("Failed to load private key: %s: %w", file, err)
	}
	return key, nil
}

// loadKeyPair reads the server's certificate, with those of its issuers behind it, and its key.
func loadKeyPair(certFile, keyFile, password string) (pair tls.Certificate, err error) {
	switch {
	case certFile == "":
		return pair, errTLSNoCert
	case keyFile == "":
		return pair, errTLSNoKey
	}
	cert, err := os.ReadFile(certFile)
	if err != nil {
		return pair, fmt.Errorf("Failed to load certificate: %w", err)
	}
	key, err := readKey(keyFile, password)
	if err != nil {
		return pair, err
	}
	if pair, err = tls.X509KeyPair(cert, key); err != nil {
		return pair, fmt.Errorf("Failed to load certificate: %s with the key %s: %w", certFile, keyFile, err)
	}
	return pair, nil
}

// loadAuthorities reads whose signature makes a client's certificate good; nil = none are configured.
func loadAuthorities(file, dir string) (*x509.CertPool, error) {
	if file == "" && dir == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if file != "" {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("Failed to configure CA certificate(s) file/directory: %w", err)
		}
		if !pool.AppendCertsFromPEM(content) {
			return nil, fmt.Errorf("Failed to configure CA certificate(s) file/directory: %s holds no certificate",
				file)
		}
	}
	if dir == "" {
		return pool, nil
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("Failed to configure CA certificate(s) file/directory: %w", err)
	}
	for _, f := range files { // what is no certificate is not looked for by OpenSSL either
		if content, err := os.ReadFile(filepath.Join(dir, f.Name())); err == nil {
			pool.AppendCertsFromPEM(content)
		}
	}
	return pool, nil
}

// isEncryptedKey reports whether a PEM block is a key behind a password, of PKCS #8 or of the older form.
func isEncryptedKey(b *pem.Block) bool {
	return b.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED")
}
