package target

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"unicode/utf8"
)

// Reason is an error's cause in redis-cli's words.
func Reason(err error) string {
	var dns *net.DNSError
	var errno syscall.Errno
	var noTLS tls.RecordHeaderError
	switch {
	case errors.As(err, &noTLS):
		return "the server does not speak TLS at this port"
	case errors.Is(err, io.EOF):
		return "Server closed the connection"
	case errors.As(err, &dns) && dns.IsNotFound:
		return "Name or service not known"
	case errors.As(err, &dns):
		return dns.Error()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "Connection timed out"
	case errors.As(err, &errno):
		text := errno.Error()
		_, n := utf8.DecodeRuneInString(text)
		return strings.ToUpper(text[:n]) + text[n:]
	}
	return err.Error()
}
