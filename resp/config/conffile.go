package config

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"diskette/resp/acl"
	"diskette/resp/command"
	"diskette/resp/internal/machine"
	"diskette/resp/internal/words"
)

// A Notice tells the operator of an accepted option that does nothing here.
type Notice struct {
	Option string // the parameter's name
	Text   string // why, as a clause: "no effect here"
}

// Load reads redis-server's arguments, without the program's name: a conf file or "-"
// (standard input, which may also come last), then --option value ..., each later one
// overriding what came before. The error, of several lines, names the line and the reason. defaults are lines that hold
// where nothing else is said, in place of the usual defaults.
//
// table is the commands that users' rules may name.
func Load(args []string, table *command.Table, defaults ...string) (*Config, []Notice, error) {
	return loadConfig(args, table, os.Stdin, defaults...)
}

func loadConfig(args []string, table *command.Table, stdin io.Reader, defaults ...string) (*Config, []Notice, error) {
	base := newConfLoader(defaultSettings(), table)
	if err := base.load("the defaults", strings.Join(defaults, "\n"), 0); err != nil {
		return nil, nil, err
	}
	c := &Config{table: table, defaults: base.settings}
	l := newConfLoader(base.settings, table)
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		file, err := filepath.Abs(args[0])
		if err != nil {
			return nil, nil, err
		}
		if err := l.loadFile(file, 0); err != nil {
			return nil, nil, err
		}
		c.file = file
		args = args[1:]
	}

	options := args
	fromStdin := false
	if n := len(options); n > 0 && options[0] == "-" {
		options, fromStdin = options[1:], true
	} else if n > 0 && options[n-1] == "-" {
		options, fromStdin = options[:n-1], true
	}
	if fromStdin {
		content, err := io.ReadAll(stdin)
		if err != nil {
			return nil, nil, fmt.Errorf("read the configuration from standard input: %w", err)
		}
		if err := l.load("standard input", string(content), 0); err != nil {
			return nil, nil, err
		}
	}
	if err := l.loadOptions(options); err != nil {
		return nil, nil, err
	}
	if err := l.checkUsers(); err != nil {
		return nil, nil, err
	}
	c.Databases = int(l.settings[parameterIndex["databases"]].number)
	appendonly := parameterIndex["appendonly"]
	c.Appending = l.given[appendonly] && l.settings[appendonly].number != 0
	c.saysAppending = l.given[appendonly]
	l.settleLoops(runtime.GOOS)
	requirepass := parameterIndex["requirepass"]
	c.EmptyPassword = l.given[requirepass] && l.settings[requirepass].text == ""
	if pid := parameterIndex["pidfile"]; l.settings[parameterIndex["daemonize"]].number != 0 && l.settings[pid].text == "" {
		l.settings[pid].text = "/var/run/redis.pid" // Redis's, for a server in the background
	}
	c.userLines, c.Renames = l.users, l.renames
	c.Memory = machine.MemoryBytes()
	c.publish(l.settings)
	if err := c.checkDatabases(); err != nil {
		return nil, nil, fmt.Errorf("*** FATAL CONFIG FILE ERROR ***\n%w", err)
	}
	if given := c.Int("maxmemory"); given > c.MaxMemory.Load() {
		l.notice("maxmemory", fmt.Sprintf("more than fits into the %d bytes that this process may use in all, of which a fifth stays free: "+
			"%d bytes of keys are held in memory, the others on disk", c.Memory, c.MaxMemory.Load()))
	}
	return c, l.notices, nil
}

// mostLoops is how many event loops there are at most if io-threads does not say: beyond that the keyspace lock is more
// and more what they wait for (resp/doc.go, Scale). One core is left to the others.
const mostLoops = 4

// settleLoops says whether there are event loops on a system, and how many.
func (l *confLoader) settleLoops(system string) {
	threads, loops := parameterIndex["io-threads"], parameterIndex["event-loops"]
	if l.settings[loops].number != 0 && system != "linux" {
		l.settings[loops] = setting{text: "no"}
		if l.given[loops] {
			l.notice("event-loops", "it has no effect on "+system+": each connection has a goroutine of its own")
		}
	}
	switch on := l.settings[loops].number != 0; {
	case on && !l.given[threads]:
		n := int64(min(max(runtime.GOMAXPROCS(0)-1, 1), mostLoops))
		l.settings[threads] = setting{text: strconv.FormatInt(n, 10), number: n}
	case !on && l.given[threads]:
		l.notice("io-threads", "all cores are used without it; with event-loops yes it is how many loops there are")
	}
}

// A confLoader gathers settings from lines, each line overriding those before it.
type confLoader struct {
	table    *command.Table
	settings []setting
	given    map[int]bool // the parameters that some line has set
	notices  []Notice
	users    []acl.UserLine
	renames  [][2]string
	called   *command.Table // table after the renames, nil = there are none
	usersAt  string         // where the first of them stands
	acl      *acl.Users     // tries the rules of users
	readFile func(name string) ([]byte, error)
}

// newConfLoader begins with defaults, which stay as they are.
func newConfLoader(defaults []setting, table *command.Table) *confLoader {
	return &confLoader{table: table, settings: slices.Clone(defaults), given: make(map[int]bool), readFile: os.ReadFile}
}

// A confError is a line that can not be accepted.
type confError struct {
	source string // "the configuration file '/etc/redis.conf'"
	line   int    // from 1; of the command line, the option's number
	text   string
	reason error
	advice string // what to do, "" = the reason says it
}

func (e *confError) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("*** FATAL CONFIG FILE ERROR ***\nReading %s, at line %d\n>>> '%s'\n%v\n%s",
		e.source, e.line, e.text, e.reason, e.advice), "\n")
}

func (e *confError) Unwrap() error { return e.reason }

// commandLine is the source of the options behind the program's name.
const commandLine = "the command line"

// OptionFault says of an error of Load in one line what is wrong with an option of the command line; ok = it is of one.
func OptionFault(err error) (text string, ok bool) {
	var fault *confError
	if !errors.As(err, &fault) || fault.source != commandLine {
		return "", false
	}
	if errors.Is(fault.reason, errConfDirective) && fault.advice != "" {
		return fmt.Sprintf("--%s: %s", fault.text, fault.advice), true
	}
	return strings.TrimSpace(fmt.Sprintf("--%s: %v %s", fault.text, fault.reason, fault.advice)), true
}

var (
	errConfDirective = errors.New("Bad directive or wrong number of arguments")
	errConfQuotes    = errors.New("Unbalanced quotes in configuration line")
	errConfInclude   = errors.New("include: files include one another more than 16 deep")
	errConfUserTwice = errors.New("Duplicate user found. A user can only be defined once in config files")
	errConfUserName  = errors.New("Spaces not allowed in ACL usernames")

	errConfUserSources = errors.New("Configuring Redis with users defined in redis.conf and at the same setting an ACL file path is invalid. This setup is very likely to lead to configuration errors and security holes, please define either an ACL file or declare users directly in your redis.conf, but not both.")
)

const maxIncludeDepth = 16

func (l *confLoader) loadFile(name string, depth int) error {
	content, err := l.readFile(name)
	if err != nil {
		return fmt.Errorf("Fatal error, can't open config file '%s': %w; %s", name, err, adviceOnFile(err))
	}
	return l.load("the configuration file '"+name+"'", string(content), depth)
}

// load reads the lines of a file: empty, a comment from its first letter #, or a directive.
func (l *confLoader) load(source, content string, depth int) error {
	number := 0
	for line := range strings.Lines(content) {
		number++
		parts, err := confWords(line)
		if err == nil && parts != nil {
			err = l.directive(parts, depth)
		}
		if l.usersAt == "" && len(l.users) > 0 {
			l.usersAt = fmt.Sprintf(" The first user stands in %s, line %d.", source, number)
		}
		if err != nil {
			return locate(err, source, number, words.TrimLine(line))
		}
	}
	return nil
}

// locate adds the place to an error, unless it comes from an included file and has its own.
func locate(err error, source string, line int, text string) error {
	var inner *confError
	if errors.As(err, &inner) {
		return err
	}
	advice := ""
	if errors.Is(err, errConfDirective) || errors.Is(err, errConfigWordCount) {
		advice = adviceOn(text)
	}
	return &confError{source, line, text, err, advice}
}

// loadOptions reads --option value ... . The word after an option is its value even with two
// minuses ("--requirepass --x"), except after --save, which alone means --save "". One
// argument may hold both: "--port 6380".
func (l *confLoader) loadOptions(args []string) error {
	var parts []string
	var text string
	options, open := 0, false // open: the option has no value yet
	finish := func() error {
		if parts == nil {
			return nil
		}
		options++
		if open && parts[0] == "save" {
			parts = append(parts, "")
		}
		if err := l.directive(parts, 0); err != nil {
			return locate(err, commandLine, options, text)
		}
		parts = nil
		return nil
	}
	for _, arg := range args {
		isOption := strings.HasPrefix(arg, "--")
		bareSave := open && isOption && parts[0] == "save"
		if parts != nil && (!isOption || open && !bareSave) {
			parts, text, open = append(parts, arg), text+" "+words.Quote(arg), false
			continue
		}
		if err := finish(); err != nil {
			return err
		}
		var ok bool
		text = strings.TrimPrefix(arg, "--")
		if parts, ok = words.Split(text); !ok {
			return locate(errConfQuotes, commandLine, options+1, text)
		}
		if len(parts) == 0 {
			parts = []string{""}
		}
		parts[0] = strings.ToLower(parts[0])
		open = isOption && len(parts) == 1
	}
	return finish()
}

// directive obeys one line: a name in lower case and its words.
func (l *confLoader) directive(words []string, depth int) error {
	name, values := words[0], words[1:]
	switch {
	case name == "include" && len(values) == 1:
		return l.include(values[0], depth)
	case name == "loadmodule" && len(values) > 0:
		return moduleError(values[0])
	case name == "rename-command" && len(values) == 2:
		return l.rename(values[0], values[1])
	case name == "user" && len(values) > 0:
		return l.addUser(values)
	case forgottenOptions[name] > 0 && len(values) == forgottenOptions[name]:
		l.notice(name, "no longer an option of Redis either")
		return nil
	case keydbOptions[name] != "" && len(values) > 0:
		return l.keydb(name, values)
	}
	i, known := parameterIndex[name]
	if module := moduleOf(name); !known && module != "" && len(values) == 1 {
		l.notice(name, "an option of the module "+module+", which is not here")
		return nil
	}
	if !known {
		return errConfDirective
	}
	p := &parameters[i]
	before := l.settings[i].text
	if p.kind.adds && !l.given[i] {
		before = "" // the first line replaces the default, later ones add
	}
	value, err := p.kind.apply(values, before)
	if err != nil {
		return err
	}
	l.settings[i] = value
	if !l.given[i] && p.flags&inUse == 0 {
		l.notice(p.name, noEffectReason(p.name))
	}
	l.given[i] = true
	return nil
}

// rename takes a rename-command: administrators hide FLUSHALL or CONFIG by it.
func (l *confLoader) rename(from, to string) error {
	called, err := cmp.Or(l.called, l.table).Renamed(from, to)
	if err == nil {
		l.called, l.renames = called, append(l.renames, [2]string{from, to})
	}
	return err
}

func (l *confLoader) notice(option, text string) {
	l.notices = append(l.notices, Notice{option, text})
}

// include reads another file, or all that a pattern matches, which may be none.
func (l *confLoader) include(name string, depth int) error {
	if depth == maxIncludeDepth {
		return errConfInclude
	}
	files := []string{name}
	if strings.ContainsAny(name, "*?[") {
		var err error
		if files, err = filepath.Glob(name); err != nil {
			return fmt.Errorf("include: %w", err)
		}
	}
	for _, file := range files {
		if err := l.loadFile(file, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// addUser takes a user line, whose rules must be right.
func (l *confLoader) addUser(values []string) error {
	if l.acl == nil {
		l.acl = acl.New(l.table, func() bool { return false })
	}
	line, word, err := acl.ReadUserLine(values[0], values[1:])
	switch {
	case err != nil:
	case slices.ContainsFunc(l.users, func(have acl.UserLine) bool { return have.Name == line.Name }):
		word, err = line.Name, errConfUserTwice
	case acl.HasSpace(line.Name):
		word, err = line.Name, errConfUserName
	default:
		err = l.acl.Declare(line)
		var rule *acl.RuleError
		if errors.As(err, &rule) {
			word, err = rule.Rule, rule.Reason
		}
	}
	if err != nil {
		if strings.IndexAny(word, "><") == 0 {
			word = word[:1] + "..." // not a password into the log
		}
		return fmt.Errorf("Error in user declaration '%s': %w", word, err)
	}
	l.users = append(l.users, line)
	return nil
}

// checkUsers refuses users from two sources.
func (l *confLoader) checkUsers() error {
	if len(l.users) > 0 && l.settings[parameterIndex["aclfile"]].text != "" {
		return fmt.Errorf("*** FATAL CONFIG FILE ERROR ***\n%w%s", errConfUserSources, l.usersAt)
	}
	return nil
}

// confWords splits a line of a conf file and puts the name into lower case; nil = the line
// is empty or a comment.
func confWords(line string) ([]string, error) {
	line = words.TrimLine(line)
	if line == "" || line[0] == '#' {
		return nil, nil
	}
	words, ok := words.Split(line)
	if !ok {
		return nil, errConfQuotes
	}
	if len(words) == 0 { // only other white space
		return nil, nil
	}
	words[0] = strings.ToLower(words[0])
	return words, nil
}
