package resp

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"

	"diskette/resp/config"
	"diskette/resp/internal/ciphers"
)

var errTLSNoMasterCA = errors.New("Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, tls-replication or tls-auth-clients are enabled!")

// loadTLSClient reads what a connection to a master is made with. As in Redis the master's certificate must be of an
// authority that is trusted, and the name in it does not count.
func loadTLSClient(c *config.Config, host string) (*tls.Config, error) {
	t := &tls.Config{ServerName: host}
	var err error
	if t.MinVersion, t.MaxVersion, err = config.ParseTLSProtocols(c.Text("tls-protocols")); err != nil {
		return nil, err
	}
	if t.CipherSuites, err = ciphers.Parse(c.Text("tls-ciphers")); err != nil {
		return nil, err
	}
	certFile, keyFile, password := c.Text("tls-client-cert-file"), c.Text("tls-client-key-file"), c.Text("tls-client-key-file-pass")
	if certFile == "" {
		certFile, keyFile, password = c.Text("tls-cert-file"), c.Text("tls-key-file"), c.Text("tls-key-file-pass")
	}
	if cmp.Or(certFile, keyFile) != "" {
		cert, err := loadKeyPair(certFile, keyFile, password)
		if err != nil {
			return nil, err
		}
		t.Certificates = []tls.Certificate{cert}
	}
	roots, err := loadAuthorities(c.Text("tls-ca-cert-file"), c.Text("tls-ca-cert-dir"))
	if err != nil {
		return nil, err
	}
	if roots == nil {
		return nil, errTLSNoMasterCA
	}
	t.InsecureSkipVerify = true // the name; VerifyConnection looks at the rest
	t.VerifyConnection = func(s tls.ConnectionState) error {
		o := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, c := range s.PeerCertificates[1:] {
			o.Intermediates.AddCert(c)
		}
		_, err := s.PeerCertificates[0].Verify(o)
		return err
	}
	return t, nil
}
