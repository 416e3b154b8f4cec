package cli

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	"diskette/resp/internal/ciphers"
)

// tlsOptions are --tls and what belongs to it. Files are in PEM.
type tlsOptions struct {
	on             bool
	serverName     string // "" = none is sent
	insecure       bool
	authorities    string // a file
	authoritiesDir string // used beside authorities
	certificate    string
	key            string
	ciphers        string // OpenSSL's names, of TLS 1.2 and before
	suites         string // of TLS 1.3
}

func (o *tlsOptions) check() error {
	switch {
	case o.certificate != "" && o.key == "":
		return errSaid("--cert needs --key, the file with the certificate's private key.")
	case o.key != "" && o.certificate == "":
		return errSaid("--key needs --cert, the file with the key's certificate.")
	}
	return nil
}

// secure makes the handshake. As in redis-cli, a server's certificate is good if an authority that is trusted has
// signed it, whatever host it names; if --sni gives a name, it has to name that.
func (o *tlsOptions) secure(conn net.Conn) (net.Conn, error) {
	config, err := o.config()
	if err != nil {
		conn.Close()
		return nil, err
	}
	client := tls.Client(conn, config)
	_ = conn.SetDeadline(time.Now().Add(connectTimeout)) // if it is closed, the handshake says so
	if err := client.Handshake(); err != nil {
		conn.Close()
		return nil, errSaid("Could not negotiate a TLS connection: " + reason(err))
	}
	_ = conn.SetDeadline(time.Time{})
	state := client.ConnectionState()
	allowed, err := ciphers.Parse13(o.suites)
	if err != nil {
		conn.Close()
		return nil, err
	}
	if name := tls.CipherSuiteName(state.CipherSuite); state.Version == tls.VersionTLS13 && len(allowed) > 0 &&
		!slices.Contains(allowed, name) {
		conn.Close()
		return nil, errSaid("Could not negotiate a TLS connection: " + name + " is not among the --tls-ciphersuites")
	}
	return client, nil
}

func (o *tlsOptions) config() (*tls.Config, error) {
	config := &tls.Config{ServerName: o.serverName, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
	if !o.insecure {
		trusted, err := o.trusted()
		if err != nil {
			return nil, err
		}
		config.VerifyConnection = func(state tls.ConnectionState) error {
			between := x509.NewCertPool()
			for _, c := range state.PeerCertificates[1:] {
				between.AddCert(c)
			}
			_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
				Roots: trusted, Intermediates: between, DNSName: o.serverName,
			})
			return err
		}
	}
	if o.certificate != "" {
		pair, err := tls.LoadX509KeyPair(o.certificate, o.key)
		if err != nil {
			return nil, errSaid(fmt.Sprintf("Failed to load client certificate or key: %v", err))
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if _, err := ciphers.Parse13(o.suites); err != nil {
		return nil, errSaid(fmt.Sprintf("Failed to configure ciphersuites: %v", err))
	}
	var err error
	if config.CipherSuites, err = ciphers.Parse(o.ciphers); err != nil {
		return nil, errSaid(fmt.Sprintf("Failed to configure ciphers: %v", err))
	}
	return config, nil
}

// trusted returns the authorities that the options name, nil = the system's.
func (o *tlsOptions) trusted() (*x509.CertPool, error) {
	if o.authorities == "" && o.authoritiesDir == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if o.authorities != "" {
		pem, err := os.ReadFile(o.authorities)
		if err != nil {
			return nil, errSaid(fmt.Sprintf("Failed to load CA Certificate '%s': %s", o.authorities, reason(err)))
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, errSaid(fmt.Sprintf("Failed to load CA Certificate '%s': there is none in it", o.authorities))
		}
	}
	if o.authoritiesDir != "" {
		entries, err := os.ReadDir(o.authoritiesDir)
		if err != nil {
			return nil, errSaid(fmt.Sprintf("Failed to load CA Certificates of '%s': %s", o.authoritiesDir, reason(err)))
		}
		found := false
		for _, e := range entries {
			if pem, err := os.ReadFile(filepath.Join(o.authoritiesDir, e.Name())); err == nil {
				found = pool.AppendCertsFromPEM(pem) || found
			}
		}
		if !found {
			return nil, errSaid(fmt.Sprintf("Failed to load CA Certificates of '%s': there are none in it", o.authoritiesDir))
		}
	}
	return pool, nil
}
