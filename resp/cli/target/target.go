package target

import (
	"errors"
	"net"
	"strconv"
	"time"
)

// A Target is a server, and a user there.
type Target struct {
	Host, Port    string
	Socket        string // a path, in place of host and port
	User          string
	Password      *string // nil = none; AUTH is sent even for an empty one
	PasswordShown bool    // the password stood on the command line
	DB            int
	TLS           TLS
}

// Default is the server that is meant if no option says another.
func Default() Target { return Target{Host: "127.0.0.1", Port: "6379"} }

// ConnectTimeout bounds the wait for a server that does not answer the connect, or the handshake.
const ConnectTimeout = 30 * time.Second

// Said is an error whose text is the whole message for the user.
type Said string

func (e Said) Error() string { return string(e) }

var (
	errScheme = errors.New("Invalid URI scheme")
	errPort   = errors.New("Invalid server port.")
)

// CheckPort refuses what is no port.
func CheckPort(port string) error {
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return errPort
	}
	return nil
}

// Where is the server's address as messages and the prompt show it.
func (t *Target) Where() string {
	if t.Socket != "" {
		return t.Socket
	}
	return t.Host + ":" + t.Port
}

// Dial connects, by TLS if that is asked for.
func (t *Target) Dial() (net.Conn, error) {
	network, address := "tcp", net.JoinHostPort(t.Host, t.Port)
	if t.Socket != "" {
		network, address = "unix", t.Socket
	}
	conn, err := net.DialTimeout(network, address, ConnectTimeout)
	if err != nil || !t.TLS.On {
		return conn, err
	}
	return t.TLS.secure(conn)
}

// Auth is the command that logs in.
func (t *Target) Auth() []string {
	if t.User != "" {
		return []string{"AUTH", t.User, *t.Password}
	}
	return []string{"AUTH", *t.Password}
}
