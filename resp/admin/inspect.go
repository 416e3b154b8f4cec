package admin

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/pprof"
	"runtime/trace"
	"strconv"
	"strings"
	"time"
)

// mostSeconds is for how long the process may be watched at a time.
const mostSeconds = 60

// inspect shows the process's inside to who may use DEBUG, under the addresses that go tool pprof knows. net/http/pprof
// would do, but with what it can do beyond that it made the program 0.46 MB larger: see doc.go.
func (s *Server) inspect(w http.ResponseWriter, r *http.Request, c *conn) {
	if _, err := c.do("DEBUG", "JMAP"); err == nil || noPermission(err) || c.broken != nil {
		plain(w, http.StatusForbidden, "the user needs the permission to run DEBUG")
		return
	}
	seconds, err := strconv.Atoi(r.FormValue("seconds"))
	if given := r.FormValue("seconds") != ""; given && err != nil || seconds < 0 || seconds > mostSeconds {
		plain(w, http.StatusBadRequest, "seconds is a number, at most 60")
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(2 * answerTime))
	switch name := r.PathValue("name"); name {
	case "":
		var list strings.Builder
		for _, p := range pprof.Profiles() {
			fmt.Fprintf(&list, "%s %d\n", p.Name(), p.Count())
		}
		plain(w, http.StatusOK, list.String()+"profile?seconds=30\ntrace?seconds=1\nholds?seconds=5")
	case "profile":
		if seconds == 0 {
			seconds = 30
		}
		s.watch(w, r, name, seconds, pprof.StartCPUProfile, pprof.StopCPUProfile)
	case "trace":
		s.watch(w, r, name, max(seconds, 1), trace.Start, trace.Stop)
	case "holds":
		s.holds(w, r, cmp.Or(seconds, 5))
	default:
		profile := pprof.Lookup(name)
		if profile == nil {
			plain(w, http.StatusNotFound, "there is no such profile")
			return
		}
		if name == "heap" && r.FormValue("gc") != "" {
			runtime.GC()
		}
		debug, _ := strconv.Atoi(r.FormValue("debug"))
		if debug > 0 {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		} else {
			asFile(w, name)
		}
		_ = profile.WriteTo(w, debug) // who has gone needs no error
	}
}

// watch sends what is seen of the process in some seconds. One at a time may.
func (s *Server) watch(w http.ResponseWriter, r *http.Request, name string, seconds int, start func(io.Writer) error, stop func()) {
	asFile(w, name)
	if err := start(w); err != nil {
		w.Header().Del("Content-Disposition")
		plain(w, http.StatusConflict, "the process is being watched already: "+err.Error())
		return
	}
	defer stop()
	select {
	case <-time.After(time.Duration(seconds) * time.Second):
	case <-r.Context().Done():
	case <-s.stopping.Done():
	}
}

// holds tells who has held the lock under which commands run, in some seconds, and for how long: a line for each.
func (s *Server) holds(w http.ResponseWriter, r *http.Request, seconds int) {
	ctx, end := context.WithTimeout(r.Context(), time.Duration(seconds)*time.Second)
	defer end()
	defer context.AfterFunc(s.stopping, end)()
	holds, err := s.back.Holds(ctx)
	if err != nil {
		plain(w, http.StatusConflict, err.Error())
		return
	}
	var text strings.Builder
	text.WriteString("# us by the clock and of a processor of the longest hold of the lock under which commands run, us and number of all,\n" +
		"# and the functions in which they ended\n")
	for _, h := range holds {
		fmt.Fprintf(&text, "%d %d %d %d %s\n", h.Longest.Microseconds(), h.LongestCPU.Microseconds(), h.Total.Microseconds(), h.Count,
			strings.Join(h.Where, " < "))
	}
	plain(w, http.StatusOK, text.String())
}

func asFile(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", "attachment; filename="+name)
}
