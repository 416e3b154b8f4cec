package admin

import (
	"bytes"
	"crypto/subtle"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed templates static
var files embed.FS

// pageTemplates are the views by name, each within the layout. They are made for the first look: who serves no page
// needs no memory for them.
var pageTemplates = sync.OnceValue(func() map[string]*template.Template {
	all := map[string]*template.Template{}
	layout := template.Must(template.New("layout.html").Funcs(templateFuncs).ParseFS(files, "templates/layout.html"))
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		panic(err)
	}
	for _, name := range names {
		base := strings.TrimSuffix(strings.TrimPrefix(name, "templates/"), ".html")
		if base != "layout" {
			all[base] = template.Must(template.Must(layout.Clone()).ParseFS(files, name))
		}
	}
	return all
})

// A view is one of the page's parts.
type view struct {
	Path, Title string
	needs       []string // commands of which the user has to be permitted one
}

// views are in the order of the menu.
var views = []view{
	{"/", "Overview", []string{"INFO"}},
	{"/caches", "Caches", []string{"INFO"}},
	{"/keys", "Keys", []string{"SCAN 0"}},
	{"/fill", "What fills it", []string{"CACHE PREFIXES"}},
	{"/slow", "Slow", []string{"SLOWLOG GET", "INFO", "CLIENT LIST", "LATENCY LATEST"}},
	{"/live", "Live", []string{"MONITOR", "PUBSUB CHANNELS"}},
	{"/backup", "Backup", []string{"INFO"}},
}

// open are the views that a user may see. The server is asked in nobody's name: to try would be an entry in ACL LOG.
func (s *Server) open(user string) (open []view) {
	_ = s.ask(func(c *conn) error { // without an answer no view is named
		for _, v := range views {
			for _, command := range v.needs {
				reply, err := c.do(append([]string{"ACL", "DRYRUN", user}, strings.Fields(command)...)...)
				if err != nil {
					return err
				}
				if reply.text == "OK" {
					open = append(open, v)
					break
				}
			}
		}
		return nil
	})
	return open
}

// A look is one request of somebody who has logged in.
type look struct {
	s  *Server
	w  http.ResponseWriter
	r  *http.Request
	se *session
	c  *conn // the session's, this request's alone

	sent int64 // bytes of a download
}

// pages adds what needs a session.
func (s *Server) pages(mux *http.ServeMux) {
	static, err := fs.Sub(files, "static")
	if err != nil {
		panic(err)
	}
	serveStatic := http.StripPrefix("/static/", http.FileServerFS(static))
	mux.HandleFunc("GET /static/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=3600")
		serveStatic.ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /login", s.loginPage)
	mux.HandleFunc("POST /login", s.loginPage)
	for path, fn := range map[string]func(*look) error{
		"GET /{$}":     (*look).overview,
		"GET /samples": (*look).samples,
		"GET /caches":  (*look).caches,
		"GET /keys":    (*look).keys,
		"GET /key":     (*look).key,

		"GET /keys/expiring": (*look).expiring,
		"GET /keys/largest":  (*look).largest,
		"GET /keys/used":     (*look).used,

		"GET /fill":   (*look).fill,
		"GET /slow":   (*look).slow,
		"GET /live":   (*look).live,
		"GET /backup": (*look).backup,

		"POST /logout":       (*look).logout,
		"POST /caches/clear": (*look).clear,
		"POST /key/delete":   (*look).deleteKey,
		"POST /key/expire":   (*look).expireKey,
		"POST /key/set":      (*look).setKey,
		"POST /clients/kill": (*look).killClient,
	} {
		mux.HandleFunc(path, s.page(fn))
	}
	for path, fn := range map[string]func(*look) error{
		"GET /download":     (*look).download,
		"GET /live/monitor": (*look).monitor,
		"GET /backup/rdb":   (*look).dump,
		"GET /backup/db":    (*look).copyDatabase,
		"GET /backup/slice": (*look).slice,
	} {
		mux.HandleFunc(path, s.stream(fn))
	}
}

// A refusal is an error whose text is for whoever asked, with HTTP's status for it.
type refusal struct {
	status int
	text   string
}

func (r refusal) Error() string { return r.text }

// page answers with fn, for somebody who has a session; others are sent to log in.
func (s *Server) page(fn func(*look) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		se := s.sessions.of(r)
		if se == nil {
			toLogin(w, r)
			return
		}
		se.mu.Lock()
		defer se.mu.Unlock()
		if !se.alive() {
			s.sessions.end(se)
			toLogin(w, r)
			return
		}
		l := &look{s: s, w: w, r: r, se: se, c: se.conn}
		if r.Method == http.MethodPost && subtle.ConstantTimeCompare([]byte(r.PostFormValue("csrf")), []byte(se.csrf)) != 1 {
			l.fail(refusal{http.StatusForbidden, "this form is not of your session: go back, load the page anew, and try again"})
			return
		}
		if err := fn(l); err != nil {
			l.fail(err)
		}
	}
}

// stream is page for what goes on for long: it has a connection of its own, and others of the session go on beside it.
func (s *Server) stream(fn func(*look) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead { // it would be made, and thrown away
			w.Header().Set("Allow", http.MethodGet)
			plain(w, http.StatusMethodNotAllowed, "GET, please")
			return
		}
		se := s.sessions.of(r)
		if se == nil {
			toLogin(w, r)
			return
		}
		se.mu.Lock()
		alive := se.alive()
		se.mu.Unlock()
		if !alive {
			s.sessions.end(se)
			toLogin(w, r)
			return
		}
		l := &look{s: s, w: w, r: r, se: se}
		if err := l.ownConnection(); err != nil {
			l.fail(err)
			return
		}
		defer l.c.close()
		if err := fn(l); err != nil {
			l.fail(err)
		}
	}
}

// ownConnection is one more for the session's user.
func (l *look) ownConnection() error {
	from, to := addresses(l.r)
	nc, err := l.s.back.ConnectAs(l.se.user, from, to)
	if err != nil {
		return err
	}
	l.c = newConn(nc)
	return l.c.introduce()
}

func toLogin(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || r.Header.Get("Accept") == "application/json" {
		plain(w, http.StatusUnauthorized, "log in first")
		return
	}
	to := "/login"
	if r.URL.Path != "/" {
		to += "?to=" + url.QueryEscape(r.URL.RequestURI())
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// loginPage shows the form, or takes what was filled in.
func (s *Server) loginPage(w http.ResponseWriter, r *http.Request) {
	data := map[string]any{"Title": "Log in", "Open": !s.back.NeedsPassword(), "To": ownPath(r.FormValue("to"))}
	status := http.StatusOK
	if r.Method == http.MethodPost {
		user := r.PostFormValue("user")
		c, err := s.login(r, user, r.PostFormValue("password"))
		if err == nil {
			if user == "" {
				user = "default"
			}
			se := s.sessions.begin(user, c)
			http.SetCookie(w, &http.Cookie{Name: cookieName, Value: se.token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
				Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https"})
			http.Redirect(w, r, ownPath(r.FormValue("to")), http.StatusSeeOther)
			return
		}
		status = http.StatusUnauthorized
		data["User"], data["Failed"] = user, "Wrong user name or password."
		if !errors.Is(err, errWrongPassword) && !noPermission(err) {
			status = http.StatusServiceUnavailable
			data["Failed"] = "The server does not answer: " + err.Error()
		}
	}
	show(w, status, "login", data)
}

// ownPath is a path of this page's, whatever was asked for.
func ownPath(to string) string {
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") || strings.HasPrefix(to, "/login") {
		return "/"
	}
	return to
}

func (l *look) logout() error {
	l.s.sessions.end(l.se)
	http.SetCookie(l.w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode})
	http.Redirect(l.w, l.r, "/login", http.StatusSeeOther)
	return nil
}

// show renders a view whole before the first byte of it leaves.
func show(w http.ResponseWriter, status int, name string, data map[string]any) {
	var page bytes.Buffer
	if err := pageTemplates()[name].Execute(&page, data); err != nil {
		plain(w, http.StatusInternalServerError, "the view can not be made: "+err.Error())
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(page.Bytes())
}

// show renders a view for somebody who has logged in.
func (l *look) show(name, title string, data map[string]any) error {
	if data == nil {
		data = map[string]any{}
	}
	data["Title"], data["Views"], data["User"], data["CSRF"], data["Path"] = title, views, l.se.user, l.se.csrf, l.r.URL.Path
	data["Told"] = l.r.FormValue("told")
	if l.r.URL.Path == "/key" || strings.HasPrefix(l.r.URL.Path, "/keys/") {
		data["Path"] = "/keys"
	}
	show(l.w, http.StatusOK, name, data)
	return nil
}

// fail shows an error.
func (l *look) fail(err error) {
	status, text := http.StatusBadGateway, "The server answered: "+err.Error()
	var r refusal
	switch {
	case errors.As(err, &r):
		status, text = r.status, r.text
	case noPermission(err):
		status, text = http.StatusForbidden, fmt.Sprintf("The user %s may not do this: %s", l.se.user, err)
	case l.c != nil && l.c.broken != nil:
		text = "The connection to the server has ended: " + err.Error()
	}
	if l.r.Header.Get("Accept") == "application/json" {
		plain(l.w, status, text)
		return
	}
	data := map[string]any{"Title": "It did not work", "Views": views, "User": l.se.user, "CSRF": l.se.csrf,
		"Path": "", "Text": text, "Failed": l.r.URL.Path}
	if noPermission(err) {
		data["Denied"], data["Open"] = true, l.s.open(l.se.user)
	}
	show(l.w, status, "failed", data)
}

// done goes back to a view after a change, with a line that says what was done.
func (l *look) done(path string, query url.Values, told string) error {
	query.Set("told", told)
	http.Redirect(l.w, l.r, path+"?"+query.Encode(), http.StatusSeeOther)
	return nil
}

// database is the one that a request names, and selects it.
func (l *look) database() (int, error) {
	text := l.r.FormValue("db")
	if text == "" {
		text = "0"
	}
	db, err := strconv.Atoi(text)
	if err != nil || db < 0 {
		return 0, refusal{http.StatusBadRequest, "there is no database " + text}
	}
	err = l.c.selectDB(db)
	var d denial
	if errors.As(err, &d) && d.text == "ERR DB index is out of range" {
		err = refusal{http.StatusBadRequest, "there is no database " + text}
	}
	return db, err
}

// may leaves out what the user may not see: a denied part of a view is said to be so, and the rest is shown.
func may(err error) (denied string, rest error) {
	if err != nil && noPermission(err) {
		return err.Error(), nil
	}
	return "", err
}

var templateFuncs = template.FuncMap{
	"bytes": humanBytes,
	"count": humanCount,
	"ms":    humanMillis,
	"usec":  func(n float64) string { return humanMillis(n / 1000) },
	"time":  func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"pct":   func(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) },
	"show":  showBytes,
	"id":    keyID,
	"unit":  unit,
	"clip":  clipped,
	"float": parseFloat,
	"mul":   func(a, b float64) float64 { return a * b },
	"add":   func(a, b float64) float64 { return a + b },
}
