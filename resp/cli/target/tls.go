package target

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

// TLS is --tls and what belongs to it. Files are in PEM.
type TLS struct {
	On             bool
	ServerName     string // "" = none is sent
	Insecure       bool
	Authorities    string // a file
	AuthoritiesDir string // used beside authorities
	Certificate    string
	Key            string
	Ciphers        string // OpenSSL's names, of TLS 1.2 and before
	Suites         string // of TLS 1.3
}

// Check refuses options that do not go together.
func (o *TLS) Check() error {
	switch {
	case o.Certificate != "" && o.Key == "":
		return Said("--cert needs --key, the file with the certificate's private key.")
	case o.Key != "" && o.Certificate == "":
		return Said("--key needs --cert, the file with the key's certificate.")
	}
	return nil
}

// secure makes the handshake. As in redis-cli, a server's certificate is good if an authority that is trusted has
// signed it, whatever host it names; if --sni gives a name, it has to name that.
func (o *TLS) secure(conn net.Conn) (net.Conn, error) {
	config, err := o.config()
	if err != nil {
		conn.Close()
		return nil, err
	}
	client := tls.Client(conn, config)
	_ = conn.SetDeadline(time.Now().Add(ConnectTimeout)) // if it is closed, the handshake says so
	if err := client.Handshake(); err != nil {
		conn.Close()
		return nil, Said("Could not negotiate a TLS connection: " + Reason(err))
	}
	_ = conn.SetDeadline(time.Time{})
	state := client.ConnectionState()
	allowed, err := ciphers.Parse13(o.Suites)
	if err != nil {
		conn.Close()
		return nil, err
	}
	if name := tls.CipherSuiteName(state.CipherSuite); state.Version == tls.VersionTLS13 && len(allowed) > 0 &&
		!slices.Contains(allowed, name) {
		conn.Close()
		return nil, Said("Could not negotiate a TLS connection: " + name + " is not among the --tls-ciphersuites")
	}
	return client, nil
}

func (o *TLS) config() (*tls.Config, error) {
	config := &tls.Config{ServerName: o.ServerName, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
	if !o.Insecure {
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
				Roots: trusted, Intermediates: between, DNSName: o.ServerName,
			})
			return err
		}
	}
	if o.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(o.Certificate, o.Key)
		if err != nil {
			return nil, Said(fmt.Sprintf("Failed to load client certificate or key: %v", err))
		}
		config.Certificates = []tls.Certificate{pair}
	}
	if _, err := ciphers.Parse13(o.Suites); err != nil {
		return nil, Said(fmt.Sprintf("Failed to configure ciphersuites: %v", err))
	}
	var err error
	if config.CipherSuites, err = ciphers.Parse(o.Ciphers); err != nil {
		return nil, Said(fmt.Sprintf("Failed to configure ciphers: %v", err))
	}
	return config, nil
}

// trusted returns the authorities that the options name, nil = the system's.
func (o *TLS) trusted() (*x509.CertPool, error) {
	if o.Authorities == "" && o.AuthoritiesDir == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if o.Authorities != "" {
		pem, err := os.ReadFile(o.Authorities)
		if err != nil {
			return nil, Said(fmt.Sprintf("Failed to load CA Certificate '%s': %s", o.Authorities, Reason(err)))
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, Said(fmt.Sprintf("Failed to load CA Certificate '%s': there is none in it", o.Authorities))
		}
	}
	if o.AuthoritiesDir != "" {
		entries, err := os.ReadDir(o.AuthoritiesDir)
		if err != nil {
			return nil, Said(fmt.Sprintf("Failed to load CA Certificates of '%s': %s", o.AuthoritiesDir, Reason(err)))
		}
		found := false
		for _, e := range entries {
			if pem, err := os.ReadFile(filepath.Join(o.AuthoritiesDir, e.Name())); err == nil {
				found = pool.AppendCertsFromPEM(pem) || found
			}
		}
		if !found {
			return nil, Said(fmt.Sprintf("Failed to load CA Certificates of '%s': there are none in it", o.AuthoritiesDir))
		}
	}
	return pool, nil
}
