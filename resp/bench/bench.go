package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// version is of the redis-benchmark whose options and output these are; scripts parse it.
const version = "redis-benchmark 7.0.15 (diskette)"

// A Program is how the load generator was called.
type Program struct {
	Name string // for the usage
	// Ours says that it is diskette's own command: as with the others, wrong arguments are told of on the standard
	// error, and the exit status is 2 for them.
	Ours bool
}

// wrong tells what is wrong with the arguments.
func (p Program) wrong(err error, stdout, stderr io.Writer) int {
	switch {
	case p.Ours:
		usage, _, _ := strings.Cut(p.usage(), "\n")
		fmt.Fprintf(stderr, "%s\n%s\n", err, usage)
		return 2
	case errors.As(err, new(usageError)):
		fmt.Fprintf(stdout, "%s\n\n%s", err, p.usage())
	default:
		fmt.Fprintln(stderr, err)
	}
	return 1
}

// Main runs it with args, which exclude the program's name, and returns the exit status: 0, or 1 if the server can not
// be reached, goes away or answers with an error, or if ctx ends it; then it tells what it has.
func (p Program) Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, err := parseOptions(args)
	switch {
	case err != nil:
		return p.wrong(err, stdout, stderr)
	case o.version:
		fmt.Fprintln(stdout, version)
		return 0
	case o.help:
		fmt.Fprint(stdout, p.usage())
		return 0
	}
	list, unknown := chosen(o.tests)
	for _, warning := range append(o.warnings, unknown...) {
		fmt.Fprintf(stderr, "WARNING: %s\n", warning)
	}
	if len(list) == 0 {
		return p.wrong(errors.New("No test is left: see --help for their names."), stdout, stderr)
	}
	if o.stdinArg && o.command != nil {
		last, err := io.ReadAll(stdin)
		if err != nil {
			fmt.Fprintln(stderr, err)
			return 1
		}
		o.command = append(o.command[:len(o.command):len(o.command)], string(last))
	}
	r := &run{options: o, report: newReport(o, stdout), errors: stderr}
	if err := r.all(ctx, list); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// onlyRoutines is set by tests.
var onlyRoutines bool

// driverOf chooses who drives the connections.
func driverOf(o *options, address net.Addr) driver {
	if o.TLS.On || onlyRoutines {
		return &routines{o}
	}
	return newPlain(o, address)
}

// A run is all tests that were asked for, against one server.
type run struct {
	*options
	report *report
	errors io.Writer
	driver driver
}

// all runs them, and says why it ends if that is before its time.
func (r *run) all(ctx context.Context, list []test) error {
	if r.cluster {
		return r.refuseCluster()
	}
	server, err := r.meet()
	if err != nil {
		return err
	}
	if r.idle {
		return r.waitIdle(ctx)
	}
	r.report.server = server
	r.driver = driverOf(r.options, server.address)
	r.report.head()
	defer r.report.foot()
	payload := payloadOf(r.payload)
	for {
		if r.command != nil {
			if err := r.test(ctx, commandTitle(r.command, r.stdinArg), appendCommand(nil, r.command)); err != nil {
				return err
			}
		}
		for n := range list {
			if r.command != nil {
				break
			}
			if err := r.test(ctx, list[n].title, list[n].bytes(payload, r.random)); err != nil {
				return err
			}
		}
		if !r.endless {
			return nil
		}
	}
}

// test runs one command over and over, and tells how that went. What ended it early is told after the figures.
func (r *run) test(ctx context.Context, title string, command []byte) error {
	if ctx.Err() != nil {
		return errStopped
	}
	l := &load{
		request: newRequest(r.greeting(), command, r.depth, r.random),
		total:   r.total, keep: r.keep, keyspace: r.keyspace,
	}
	stop := r.report.progress(title, l)
	f, err := runLoad(ctx, r.driver, l)
	stop()
	if err == nil || errors.Is(err, errStopped) && f.done > 0 {
		f.title = title
		r.report.tell(f)
	}
	if errors.Is(err, errStopped) {
		return fmt.Errorf("%w: %d of %d requests of %s are done", err, f.done, l.total, title)
	}
	return err
}

// figures are a test's.
type figures struct {
	title     string
	done      int64 // requests
	took      time.Duration
	latencies *latencies
}

// perSecond is how many requests were done in a second.
func (f *figures) perSecond() float64 {
	return float64(f.done) / max(f.took, time.Microsecond).Seconds()
}
