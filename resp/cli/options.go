package cli

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// options are what the command line asks for.
type options struct {
	host, port, socket string
	user               string
	password           *string // nil = none; AUTH is sent even for an empty one
	passwordShown      bool    // the password stood on the command line
	db                 int
	resp3              bool

	pretty        *bool // nil = pretty on a terminal, raw elsewhere
	showPushes    *bool // nil = on a terminal
	itemDelimiter string
	delimiter     string // after each raw reply
	exitOnError   bool

	repeat    int // -1 = for ever
	interval  time.Duration
	stdinArg  bool
	scan      bool
	pattern   *string
	pipe      bool
	pipeGrace time.Duration // how long --pipe waits for replies after the last byte; 0 = for ever
	quiet     bool          // no warning about a password on the command line

	help, version bool
	command       []string
}

var (
	errTLS    = errors.New("TLS is not supported by this client")
	errScheme = errors.New("Invalid URI scheme")
	errPort   = errors.New("Invalid server port.")
)

// withValue are the options that take the word after them.
var withValue = map[string]func(o *options, value string) error{
	"-h": func(o *options, v string) error { o.host = v; return nil },
	"-p": func(o *options, v string) error { o.port = v; return checkPort(v) },
	"-s": func(o *options, v string) error { o.socket = v; return nil },
	"-a": func(o *options, v string) error { o.password, o.passwordShown = &v, true; return nil },
	"-u": (*options).parseURI,
	"-n": func(o *options, v string) error { return parseInt(v, &o.db) },
	"-r": func(o *options, v string) error { return parseInt(v, &o.repeat) },
	"-i": func(o *options, v string) error { return parseSeconds(v, &o.interval) },
	"-d": func(o *options, v string) error { o.itemDelimiter = v; return nil },
	"-D": func(o *options, v string) error { o.delimiter = v; return nil },

	"--user":         func(o *options, v string) error { o.user = v; return nil },
	"--pass":         func(o *options, v string) error { o.password, o.passwordShown = &v, true; return nil },
	"--pattern":      func(o *options, v string) error { o.pattern = &v; return nil },
	"--pipe-timeout": func(o *options, v string) error { return parseSeconds(v, &o.pipeGrace) },
	"--show-pushes":  func(o *options, v string) error { return parseYesNo(v, &o.showPushes) },
}

// alone are the options without a value.
var alone = map[string]func(o *options){
	"-2":                func(o *options) { o.resp3 = false },
	"-3":                func(o *options) { o.resp3 = true },
	"-x":                func(o *options) { o.stdinArg = true },
	"-e":                func(o *options) { o.exitOnError = true },
	"-v":                func(o *options) { o.version = true },
	"--version":         func(o *options) { o.version = true },
	"--help":            func(o *options) { o.help = true },
	"--raw":             func(o *options) { o.pretty = new(false) },
	"--no-raw":          func(o *options) { o.pretty = new(true) },
	"--scan":            func(o *options) { o.scan = true },
	"--pipe":            func(o *options) { o.pipe = true },
	"--no-auth-warning": func(o *options) { o.quiet = true },
	"--verbose":         func(o *options) {}, // there is nothing more to say
}

// parseOptions reads the arguments up to the first that is no option: the command starts
// there. REDISCLI_AUTH is the password if none is given.
func parseOptions(args []string, env func(string) string) (*options, error) {
	o := &options{
		host: "127.0.0.1", port: "6379", repeat: 1,
		itemDelimiter: "\n", delimiter: "\n", pipeGrace: 30 * time.Second,
	}
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		name := args[0]
		if name == "-h" && len(args) == 1 {
			name = "--help"
		}
		if set, known := alone[name]; known {
			set(o)
			args = args[1:]
			continue
		}
		set, known := withValue[name]
		if !known || len(args) == 1 {
			return nil, fmt.Errorf("Unrecognized option or bad number of args for: '%s'", name)
		}
		if err := set(o, args[1]); err != nil {
			return nil, err
		}
		args = args[2:]
	}
	o.command = args
	if password := env("REDISCLI_AUTH"); password != "" && o.password == nil {
		o.password = &password
	}
	return o, nil
}

// parseURI reads redis://[[user]:password@]host[:port][/db]; a word alone before the @ is the
// password. Of an absent part, what was set before remains.
func (o *options) parseURI(uri string) error {
	rest, ok := strings.CutPrefix(uri, "redis://")
	if !ok {
		if strings.HasPrefix(uri, "rediss://") {
			return errTLS
		}
		return errScheme
	}
	if who, where, ok := strings.Cut(rest, "@"); ok {
		rest = where
		user, password, both := strings.Cut(who, ":")
		if !both {
			user, password = "", who
		}
		var err error
		if o.user, err = url.PathUnescape(user); err != nil {
			return fmt.Errorf("Invalid URI: %w", err)
		}
		if password, err = url.PathUnescape(password); err != nil {
			return fmt.Errorf("Invalid URI: %w", err)
		}
		o.password, o.passwordShown = &password, true
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

func checkPort(port string) error {
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return errPort
	}
	return nil
}

func parseInt(text string, n *int) error {
	v, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("Invalid number '%s'", text)
	}
	*n = v
	return nil
}

func parseSeconds(text string, d *time.Duration) error {
	const longest = 1 << 31 // seconds; a time.Duration holds more
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= 0 && v <= longest) {
		return fmt.Errorf("Invalid number of seconds '%s'", text)
	}
	*d = time.Duration(v * float64(time.Second))
	return nil
}

func parseYesNo(text string, b **bool) error {
	switch strings.ToLower(text) {
	case "yes", "y":
		*b = new(true)
	case "no", "n":
		*b = new(false)
	default:
		return fmt.Errorf("Invalid value '%s': yes or no", text)
	}
	return nil
}
