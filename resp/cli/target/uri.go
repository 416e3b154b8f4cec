package target

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

var (
	errHalfEncoding  = errors.New("Incomplete URI encoding")
	errWrongEncoding = errors.New("Illegal character in URI encoding")
)

// ParseURI reads redis://[[user]:password@]host[:port][/db], or rediss:// for TLS; a word alone before the @ is the
// password. Of an absent part, what was set before remains.
func (t *Target) ParseURI(uri string) error {
	scheme, rest, ok := strings.Cut(uri, "://")
	switch strings.ToLower(scheme) {
	case "redis":
	case "rediss":
		t.TLS.On = true
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
		t.User, t.Password, t.PasswordShown = user, &password, true
	}
	address, db, _ := strings.Cut(rest, "/")
	db, _, _ = strings.Cut(db, "?")
	if host, port, err := net.SplitHostPort(address); err == nil {
		address, t.Port = host, port
		if err := CheckPort(port); err != nil {
			return err
		}
	}
	if address = strings.Trim(address, "[]"); address != "" {
		t.Host = address
	}
	if db != "" {
		n, err := strconv.Atoi(db)
		if err != nil {
			return fmt.Errorf("Invalid number '%s'", db)
		}
		t.DB = n
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
