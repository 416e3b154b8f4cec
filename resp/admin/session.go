package admin

import (
	"errors"
	"net/http"
	"sync"
	"time"
)

// A session is a connection to the server on which somebody has said who he is. So its permissions are that user's as
// they are now, and what ends the connection ends the session: CLIENT KILL, ACL DELUSER, the end of the server.
type session struct {
	token, csrf string
	user        string
	since       time.Time

	mu   sync.Mutex // held by the request that uses conn
	conn *conn
	used time.Time // guarded by sessions.mu
}

// sessions are those of all who have logged in.
type sessions struct {
	mu      sync.Mutex
	byToken map[string]*session
}

const (
	cookieName   = "diskette_session"
	mostSessions = 64
	sessionIdle  = 30 * time.Minute
	sessionLife  = 12 * time.Hour
	// failureTime is how long a wrong password's answer waits at least, also on loopback, where a proxy may stand. The
	// server's own delay (auth-failure-delay) comes on top.
	failureTime = 250 * time.Millisecond
)

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

// begin makes a session of a connection.
func (ss *sessions) begin(user string, c *conn) *session {
	now := time.Now()
	se := &session{token: secret(), csrf: secret(), user: user, since: now, used: now, conn: c}
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ss.forgetLocked(now)
	for len(ss.byToken) >= mostSessions {
		oldest := se
		for _, other := range ss.byToken {
			if other.used.Before(oldest.used) {
				oldest = other
			}
		}
		ss.endLocked(oldest)
	}
	ss.byToken[se.token] = se
	return se
}

func (ss *sessions) forgetLocked(now time.Time) {
	for _, se := range ss.byToken {
		if now.Sub(se.used) > sessionIdle || now.Sub(se.since) > sessionLife {
			ss.endLocked(se)
		}
	}
}

func (ss *sessions) endLocked(se *session) {
	delete(ss.byToken, se.token)
	se.conn.close() // a request that uses it fails
}

func (ss *sessions) end(se *session) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	ss.endLocked(se)
}

func (ss *sessions) endAll() {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	for _, se := range ss.byToken {
		ss.endLocked(se)
	}
}

// of is the session of a request, nil if it has none.
func (ss *sessions) of(r *http.Request) *session {
	cookie, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	ss.mu.Lock()
	defer ss.mu.Unlock()
	now := time.Now()
	ss.forgetLocked(now)
	se := ss.byToken[cookie.Value]
	if se != nil {
		se.used = now
	}
	return se
}

// userHandler answers a request of somebody whose client is c.
type userHandler func(w http.ResponseWriter, r *http.Request, c *conn)

// asUser is for programs: they say who they are with each request (HTTP's Basic), or have a session, or are the default
// user where that needs no password.
func (s *Server) asUser(fn userHandler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password, given := r.BasicAuth()
		if se := s.sessions.of(r); se != nil && !given {
			se.mu.Lock()
			defer se.mu.Unlock()
			if se.alive() {
				fn(w, r, se.conn)
				return
			}
			s.sessions.end(se)
		}
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

// alive asks the server whether the session's connection still stands. The caller holds se.mu.
func (se *session) alive() bool {
	_, _ = se.conn.do("PING") // it may be refused, which is an answer, too
	return se.conn.broken == nil
}
