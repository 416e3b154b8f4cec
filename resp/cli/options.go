package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"diskette/resp/cli/target"
)

// options are what the command line asks for.
type options struct {
	target.Target
	askPassword  bool
	resp2, resp3 bool
	quietRESP3   bool // RESP3 is asked for the output's sake: a server that has none is no failure
	cluster      bool // follow redirections

	output        *outputMode // nil = pretty on a terminal, raw elsewhere
	showPushes    *bool       // nil = on a terminal
	itemDelimiter string
	delimiter     string // after each raw reply
	exitOnError   bool

	repeat      int // -1 = for ever
	interval    time.Duration
	stdinArg    bool
	stdinTag    string
	quotedInput bool
	evalFile    string

	mode           func(*session) error // nil = commands
	modeName       string
	intrinsic      *time.Duration // --intrinsic-latency
	pattern        *string
	memorySamples  int
	rdbFile        string
	functionsOnly  bool
	mono           bool          // --latency-dist without colours
	latencyHistory bool          // --latency-history
	pipeGrace      time.Duration // how long --pipe waits for replies after the last byte; 0 = for ever
	quiet          bool          // no warning about a password on the command line

	help, version bool
	warnings      []string
	command       []string
}

// An outputMode is how replies are written.
type outputMode int

const (
	outputPretty outputMode = iota
	outputRaw
	outputCSV
	outputJSON
	outputQuotedJSON // JSON in ASCII
)

// errSaid is an error whose text is the whole message for the user.
type errSaid = target.Said

// withValue are the options that take the word after them, beside those of the target.
var withValue = map[string]func(o *options, value string) error{
	"-n": func(o *options, v string) error { return parseInt(v, &o.DB) },
	"-r": func(o *options, v string) error { return parseInt(v, &o.repeat) },
	"-i": func(o *options, v string) error { return parseSeconds(v, &o.interval) },
	"-d": func(o *options, v string) error { o.itemDelimiter = v; return nil },
	"-D": func(o *options, v string) error { o.delimiter = v; return nil },
	"-X": func(o *options, v string) error { o.stdinTag = v; return nil },

	"--pass":           func(o *options, v string) error { o.Password, o.PasswordShown = &v, true; return nil },
	"--pattern":        func(o *options, v string) error { o.pattern = &v; return nil },
	"--quoted-pattern": (*options).parseQuotedPattern,
	"--pipe-timeout":   func(o *options, v string) error { return parseSeconds(v, &o.pipeGrace) },
	"--show-pushes":    (*options).parseShowPushes,
	"--eval":           func(o *options, v string) error { o.evalFile = v; return nil },
	"--memkeys-samples": func(o *options, v string) error {
		o.setMode("--memkeys", (*session).memoryKeys)
		return parseInt(v, &o.memorySamples)
	},
	"--rdb":           func(o *options, v string) error { return o.parseDump(v, false) },
	"--functions-rdb": func(o *options, v string) error { return o.parseDump(v, true) },
	"--intrinsic-latency": func(o *options, v string) error {
		o.intrinsic = new(time.Duration)
		return parseSeconds(v, o.intrinsic)
	},

	"--lru-test": func(*options, string) error { return errLRUTest },
	"--cluster":  func(*options, string) error { return errCluster },
}

// alone are the options without a value, beside those of the target.
var alone = map[string]func(o *options){
	"-2":                func(o *options) { o.resp2 = true },
	"-3":                func(o *options) { o.resp3 = true },
	"-x":                func(o *options) { o.stdinArg = true },
	"-e":                func(o *options) { o.exitOnError = true },
	"-c":                func(o *options) { o.cluster = true },
	"-v":                func(o *options) { o.version = true },
	"--version":         func(o *options) { o.version = true },
	"--help":            func(o *options) { o.help = true },
	"--raw":             func(o *options) { o.output = new(outputRaw) },
	"--no-raw":          func(o *options) { o.output = new(outputPretty) },
	"--csv":             func(o *options) { o.output = new(outputCSV) },
	"--json":            func(o *options) { o.output, o.quietRESP3 = new(outputJSON), true },
	"--quoted-json":     func(o *options) { o.output, o.quietRESP3 = new(outputQuotedJSON), true },
	"--quoted-input":    func(o *options) { o.quotedInput = true },
	"--askpass":         func(o *options) { o.askPassword = true },
	"--no-auth-warning": func(o *options) { o.quiet = true },
	"--verbose":         func(*options) {}, // it is about the cluster manager
	"--mono":            func(o *options) { o.mono = true },

	"--scan":            func(o *options) { o.setMode("--scan", (*session).scanAll) },
	"--pipe":            func(o *options) { o.setMode("--pipe", (*session).pipeAll) },
	"--bigkeys":         func(o *options) { o.setMode("--bigkeys", (*session).bigKeys) },
	"--memkeys":         func(o *options) { o.setMode("--memkeys", (*session).memoryKeys) },
	"--hotkeys":         func(o *options) { o.setMode("--hotkeys", (*session).hotKeys) },
	"--stat":            func(o *options) { o.setMode("--stat", (*session).stat) },
	"--latency":         func(o *options) { o.setMode("--latency", (*session).latency) },
	"--latency-history": func(o *options) { o.latencyHistory = true; o.setMode("--latency-history", (*session).latency) },
	"--latency-dist":    func(o *options) { o.setMode("--latency-dist", (*session).latencySpectrum) },
	"--replica":         func(o *options) { o.setMode("--replica", (*session).replica) },
	"--slave":           func(o *options) { o.setMode("--replica", (*session).replica) },
	"--ldb":             func(o *options) { o.modeName = "--ldb" },
	"--ldb-sync-mode":   func(o *options) { o.modeName = "--ldb" },
}

func (o *options) setMode(name string, mode func(*session) error) { o.modeName, o.mode = name, mode }

// parseOptions reads the arguments up to the first that is no option: the command starts
// there. REDISCLI_AUTH is the password if none is given.
func parseOptions(args []string, env func(string) string) (*options, error) {
	o := &options{
		Target: target.Default(), repeat: 1,
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
		if strings.HasPrefix(name, "--cluster") {
			return nil, errCluster
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
			return nil, fmt.Errorf("Unrecognized option or bad number of args for: '%s'", name)
		}
		if err := set(o, args[1]); err != nil {
			return nil, err
		}
		args = args[2:]
	}
	o.command = args
	if password := env("REDISCLI_AUTH"); password != "" && o.Password == nil {
		o.Password = &password
	}
	return o, o.check()
}

// check refuses options that do not go together.
func (o *options) check() error {
	switch {
	case o.help || o.version:
		return nil
	case o.modeName == "--ldb" && o.evalFile == "":
		return errSaid("Options --ldb and --ldb-sync-mode require --eval.\nTry redis-cli --help for more information.")
	case o.modeName == "--ldb":
		return errDebugger
	case o.stdinArg && o.stdinTag != "":
		return errSaid("Options -x and -X are mutually exclusive.")
	case o.resp2 && o.resp3:
		return errSaid("Options -2 and -3 are mutually exclusive.")
	}
	if o.resp3 {
		o.quietRESP3 = false
	}
	if o.quietRESP3 && !o.resp2 {
		o.resp3 = true
	}
	return o.TLS.Check()
}

func (o *options) parseQuotedPattern(text string) error {
	words, ok := unquoteAll([]string{text})
	if !ok {
		return errSaid("Invalid quoted string specified for --quoted-pattern.")
	}
	o.pattern = &words[0]
	return nil
}

func (o *options) parseShowPushes(text string) error {
	switch first := strings.ToLower(text + " ")[0]; first {
	case 'y', 'n':
		o.showPushes = new(first == 'y')
	default:
		o.warnings = append(o.warnings, fmt.Sprintf("Unknown --show-pushes value '%s' (valid: '[y]es', '[n]o')", text))
	}
	return nil
}

func (o *options) parseDump(file string, functions bool) error {
	if o.rdbFile != "" && o.functionsOnly != functions {
		return errSaid("Option --functions-rdb and --rdb are mutually exclusive.")
	}
	o.rdbFile, o.functionsOnly = file, functions
	o.setMode("--rdb", (*session).dump)
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
