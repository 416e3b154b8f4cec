package bench

import (
	"fmt"
	"strconv"
	"strings"

	"diskette/resp/cli/target"
)

// options are what the command line asks for.
type options struct {
	target.Target
	resp3    bool
	tracking bool
	cluster  bool

	connections int
	total       int64 // requests
	payload     int   // bytes
	depth       int   // of the pipeline
	threads     int   // 0 = one, and none were asked for
	keep        bool
	random      bool
	keyspace    uint64
	precision   int // significant digits of latencies

	output   form
	endless  bool
	idle     bool
	stdinArg bool
	tests    []string // nil = all
	command  []string

	help, version bool
	warnings      []string
}

// A form is how results are written.
type form int

const (
	formFull  form = iota
	formQuiet      // a line a test
	formCSV
	formJSON
)

// Bounds of options; what is beyond is brought to them, as redis-benchmark does.
const (
	mostThreads = 500
	mostPayload = 1 << 30 // bytes
	mostDigits  = 4
	mostKeys    = 999_999_999_999 // what 12 digits can say
)

// withValue are the options that take the word after them, beside those of the target.
var withValue = map[string]func(o *options, value string) error{
	"-c":      func(o *options, v string) error { return parseNumber(v, 1, 1<<20, &o.connections) },
	"-n":      func(o *options, v string) error { return o.parseTotal(v) },
	"-d":      func(o *options, v string) error { return parseNumber(v, 1, mostPayload, &o.payload) },
	"--dbnum": func(o *options, v string) error { return parseNumber(v, 0, 1<<31-1, &o.DB) },
	"-P":      func(o *options, v string) error { return parseNumber(v, 1, 1<<20, &o.depth) },
	"-k":      func(o *options, v string) error { o.parseKeep(v); return nil },
	"-r":      func(o *options, v string) error { return o.parseKeyspace(v) },
	"-t":      func(o *options, v string) error { o.tests = strings.Split(strings.ToLower(v), ","); return nil },

	"--threads":   (*options).parseThreads,
	"--precision": func(o *options, v string) error { return parseNumber(v, 1, mostDigits, &o.precision) },
}

// alone are the options without a value, beside those of the target.
var alone = map[string]func(o *options){
	"-3":                func(o *options) { o.resp3 = true },
	"-q":                func(o *options) { o.output = formQuiet },
	"--csv":             func(o *options) { o.output = formCSV },
	"--json":            func(o *options) { o.output = formJSON },
	"-l":                func(o *options) { o.endless = true },
	"-I":                func(o *options) { o.idle = true },
	"-x":                func(o *options) { o.stdinArg = true },
	"-v":                func(o *options) { o.version = true },
	"--version":         func(o *options) { o.version = true },
	"--help":            func(o *options) { o.help = true },
	"--cluster":         func(o *options) { o.cluster = true },
	"--enable-tracking": func(o *options) { o.tracking = true },
	"-e": func(o *options) {
		o.warn("-e option has no effect. We now immediately exit on error to avoid false results.")
	},
}

// usageError says what is wrong with the arguments; the usage follows it.
type usageError string

func (e usageError) Error() string { return string(e) }

// valueError says what is wrong with an option's value.
type valueError string

func (e valueError) Error() string { return string(e) }

func (o *options) warn(text string) { o.warnings = append(o.warnings, text) }

// parseOptions reads the arguments up to the first that is no option: the command starts there.
func parseOptions(args []string) (*options, error) {
	o := &options{
		Target: target.Default(), connections: 50, total: 100_000, payload: 3, depth: 1, keep: true, precision: usualDigits,
	}
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		name := args[0]
		if set, known := alone[name]; known {
			set(o)
			args = args[1:]
			if o.help || o.version {
				return o, nil
			}
			continue
		}
		taken, err := o.Option(args)
		if err != nil {
			return nil, err
		}
		if taken > 0 {
			args = args[taken:]
			continue
		}
		set, known := withValue[name]
		if !known || len(args) == 1 {
			return nil, usageError(fmt.Sprintf("Invalid option \"%s\" or option argument missing", name))
		}
		if err := set(o, args[1]); err != nil {
			if wrong, ok := err.(valueError); ok {
				err = valueError(name + ": " + string(wrong))
			}
			return nil, err
		}
		args = args[2:]
	}
	if o.command = args; len(args) == 0 {
		o.command = nil
	}
	return o, o.check()
}

// check says what goes for nothing, and refuses what can not be done.
func (o *options) check() error {
	if o.User != "" && o.Password == nil {
		o.warn("--user has no effect without a password: give it by -a.")
	}
	if o.command != nil && o.tests != nil {
		o.warn("Option -t is ignored.")
		o.tests = nil
	}
	if o.stdinArg && o.command == nil {
		o.warn("-x has no effect without a command.")
	}
	if !o.keep {
		o.warn("Keepalive disabled: each pipeline has a connection of its own. After some tens of thousands this machine has no ports " +
			"left for a minute, unless net.ipv4.tcp_tw_reuse is 1.")
	}
	return o.TLS.Check()
}

// parseNumber reads a number, and brings it to the bounds.
func parseNumber(text string, least, most int, n *int) error {
	v, err := strconv.Atoi(text)
	if err != nil {
		return valueError(fmt.Sprintf("'%s' is no number", text))
	}
	*n = min(max(v, least), most)
	return nil
}

func (o *options) parseTotal(text string) error {
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < 1 || v > 1<<60 {
		return valueError(fmt.Sprintf("'%s' is no number of requests: it is from 1 on", text))
	}
	o.total = v
	return nil
}

func (o *options) parseKeep(text string) {
	n, _ := strconv.Atoi(text) // a word is 0, as redis-benchmark has it
	o.keep = n != 0
}

func (o *options) parseKeyspace(text string) error {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return valueError(fmt.Sprintf("'%s' is no number", text))
	}
	o.random, o.keyspace = true, uint64(min(max(n, 0), mostKeys))
	return nil
}

func (o *options) parseThreads(text string) error {
	if err := parseNumber(text, 0, 1<<31-1, &o.threads); err != nil {
		return err
	}
	if o.threads > mostThreads {
		o.warn(fmt.Sprintf("Too many threads, limiting threads to %d.", mostThreads))
		o.threads = mostThreads
	}
	return nil
}

// greeting are the commands that a connection begins with.
func (o *options) greeting() (commands [][]string) {
	if o.Password != nil {
		commands = append(commands, o.Auth())
	}
	if o.tracking {
		commands = append(commands, []string{"CLIENT", "TRACKING", "on"})
	}
	if o.DB != 0 {
		commands = append(commands, []string{"SELECT", strconv.Itoa(o.DB)})
	}
	if o.resp3 {
		commands = append(commands, []string{"HELLO", "3"})
	}
	return commands
}
