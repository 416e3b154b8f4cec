package cli

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

var (
	errHalfEncoding  = errors.New("Incomplete URI encoding")
	errWrongEncoding = errors.New("Illegal character in URI encoding")
)

// parseURI reads redis://[[user]:password@]host[:port][/db], or rediss:// for TLS; a word alone before the @ is the
// password. Of an absent part, what was set before remains.
func (o *options) parseURI(uri string) error {
	scheme, rest, ok := strings.Cut(uri, "://")
	switch strings.ToLower(scheme) {
	case "redis":
	case "rediss":
		o.tls.on = true
	default:
		ok = false
	}
	if !ok {
		return errScheme
	}
	if who, where, ok := strings.Cut(rest, "@"); ok {
		rest = where
		user, password, both := strings.Cut(who, ":")
		if !both {
			user, password = "", who
		}
		var err error
		if user, err = decodePercent(user); err != nil {
			return err
		}
		if password, err = decodePercent(password); err != nil {
			return err
		}
		o.user, o.password, o.passwordShown = user, &password, true
	}
	address, db, _ := strings.Cut(rest, "/")
	db, _, _ = strings.Cut(db, "?")
	if host, port, err := net.SplitHostPort(address); err == nil {
		address, o.port = host, port
		if err := checkPort(port); err != nil {
			return err
		}
	}
	if address = strings.Trim(address, "[]"); address != "" {
		o.host = address
	}
	if db != "" {
		return parseInt(db, &o.db)
	}
	return nil
}

func decodePercent(text string) (string, error) {
	decoded, err := url.PathUnescape(text)
	switch {
	case err == nil:
		return decoded, nil
	case strings.HasSuffix(text, "%"):
		return "", errHalfEncoding
	}
	return "", errWrongEncoding
}
