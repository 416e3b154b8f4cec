package admin

import (
	"errors"
	"net/http"
	"time"
)

// failureTime is how long a wrong password's answer waits at least, also on loopback, where a proxy may stand. The
// server's own delay (auth-failure-delay) comes on top.
const failureTime = 250 * time.Millisecond

var errWrongPassword = errors.New("wrong user name or password")

// login lets somebody in on a new connection. Without a password the default user may be open to all.
func (s *Server) login(r *http.Request, user, password string) (*conn, error) {
	from, to := addresses(r)
	nc, err := s.back.Connect(from, to)
	if err != nil {
		return nil, err
	}
	c := newConn(nc)
	if user != "" || password != "" {
		if user == "" {
			user = "default"
		}
		if _, err = c.do("AUTH", user, password); err != nil && c.broken == nil {
			time.Sleep(failureTime)
			err = errWrongPassword
		}
	}
	if err == nil {
		err = c.introduce()
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// introduce says who the client is in CLIENT LIST.
func (c *conn) introduce() error {
	_, err := c.do("HELLO", "3", "SETNAME", "admin")
	return err
}

// userHandler answers a request of somebody whose client is c.
type userHandler func(w http.ResponseWriter, r *http.Request, c *conn)

// asUser is for programs: they say who they are with each request (HTTP's Basic), or are the default
// user where that needs no password.
func (s *Server) asUser(fn userHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password, given := r.BasicAuth()
		var c *conn
		err := errWrongPassword
		if given || !s.back.NeedsPassword() {
			c, err = s.login(r, user, password)
		}
		var d denial
		switch {
		case errors.Is(err, errWrongPassword), errors.As(err, &d) && noPermission(err):
			w.Header().Set("WWW-Authenticate", `Basic realm="Diskette", charset="UTF-8"`)
			plain(w, http.StatusUnauthorized, "a user's name and password, please")
		case err != nil:
			plain(w, http.StatusServiceUnavailable, "the server does not answer: "+err.Error())
		default:
			defer c.close()
			fn(w, r, c)
		}
	}
}
