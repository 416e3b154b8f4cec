package config

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"diskette/resp/acl"
	"diskette/resp/command"
	"diskette/resp/internal/glob"
	"diskette/resp/internal/words"
	"diskette/store"
)

// A Config is the server's configuration: redis.conf's parameters, read at the start by
// LoadConfig and changed by CONFIG SET. All methods may be called from any goroutine.
//
// A change replaces the whole list of settings, so a reader sees a CONFIG SET of several
// parameters entirely or not at all. What hot paths need is also kept in atomic fields.
type Config struct {
	table    *command.Table // the commands, which users' rules may name
	file     string         // the conf file's absolute path; "" = started without one
	defaults []setting      // settings of which neither the conf file nor an option says anything

	changing sync.Mutex                         // held by Set and Rewrite while they work
	hooks    map[int][]func(value string) error // guarded by changing; by parameter
	effects  map[int][]func(value string)       // guarded by changing; by parameter
	settings atomic.Pointer[[]setting]          // in the order of parameters

	// Copies of settings for hot paths. Read them; CONFIG SET writes them.
	MaxMemory               atomic.Int64 // bytes, always > 0: of the hot set; see hotBound
	MaxClientMemory         atomic.Int64 // bytes, always > 0: maxmemory-clients, or sharedMemory where that is 0
	CountsClients           atomic.Bool  // maxmemory-clients is not 0: all that clients take counts
	MaxClients              atomic.Int64
	TrackingTableMaxKeys    atomic.Int64
	Timeout                 atomic.Int64 // seconds without a command until a client is cut off; 0 = never
	TCPKeepalive            atomic.Int64 // seconds; 0 = off
	ProtoMaxBulkLen         atomic.Int64 // bytes
	ClientQueryBufferLimit  atomic.Int64 // bytes
	Hz                      atomic.Int64 // periodic work per second, 1 to 500
	SlowlogLogSlowerThan    atomic.Int64 // microseconds; 0 = log all, -1 = none
	SlowlogMaxLen           atomic.Int64 // entries
	LatencyMonitorThreshold atomic.Int64 // milliseconds; 0 = off
	BusyReplyThreshold      atomic.Int64 // milliseconds
	ProtectedMode           atomic.Bool
	Memory                  int64       // bytes that the process may use in all, 0 = unknown; set at the start
	Databases               int         // set at the start
	Appending               bool        // appendonly yes was said at the start
	saysAppending           bool        // appendonly was given, at the start or by CONFIG SET; guarded by changing
	EmptyPassword           bool        // requirepass was said at the start, and is empty
	configuredDir           *setting    // dir as it was configured; nil = it is where the data is
	Renames                 [][2]string // rename-command's old and new names, in order; a new one may be empty
	userLines               []acl.UserLine
	usersNow                func() []*acl.User // those to be written into the conf file; nil = they are not
	requirePass             atomic.Pointer[string]
	appendFsync             atomic.Pointer[string]
	outputLimits            atomic.Pointer[OutputLimits]
}

// fallbackMemoryBytes is maxmemory where neither the user nor the system gives a figure.
const fallbackMemoryBytes = 256 << 20

// parameterIndex finds a row of parameters by its name or alias in lower case.
var parameterIndex = func() map[string]int {
	index := make(map[string]int)
	for i, p := range parameters {
		index[p.name] = i
		if p.alias != "" {
			index[p.alias] = i
		}
	}
	return index
}()

func findParameter(name string) (index int, known bool) {
	if index, known = parameterIndex[name]; known { // the server's own
		return index, true
	}
	index, known = parameterIndex[strings.ToLower(name)]
	return index, known
}

// defaultSettings are the settings that hold before any file or argument is read.
func defaultSettings() []setting {
	settings := make([]setting, len(parameters))
	for i, p := range parameters {
		value, err := p.kind.apply([]string{p.value}, "")
		if err != nil {
			panic("default of " + p.name + ": " + err.Error())
		}
		settings[i] = value
	}
	return settings
}

// publish makes settings the current ones. The list is never written to again.
func (c *Config) publish(settings []setting) {
	c.settings.Store(&settings)

	quarter := cmp.Or(c.Memory/4, fallbackMemoryBytes)
	maxMemory := hotBound(c.Int("maxmemory"), c.Memory)
	c.MaxMemory.Store(maxMemory)
	clients := c.Int("maxmemory-clients")
	if clients < 0 { // per cent
		clients = maxMemory / 100 * -clients
	}
	c.CountsClients.Store(clients != 0)
	c.MaxClientMemory.Store(cmp.Or(clients, sharedMemory(maxMemory, quarter)))
	c.MaxClients.Store(c.Int("maxclients"))
	c.TrackingTableMaxKeys.Store(c.Int("tracking-table-max-keys"))
	c.Timeout.Store(c.Int("timeout"))
	c.TCPKeepalive.Store(c.Int("tcp-keepalive"))
	c.ProtoMaxBulkLen.Store(c.Int("proto-max-bulk-len"))
	c.ClientQueryBufferLimit.Store(c.Int("client-query-buffer-limit"))
	c.Hz.Store(c.Int("hz"))
	c.SlowlogLogSlowerThan.Store(c.Int("slowlog-log-slower-than"))
	c.SlowlogMaxLen.Store(c.Int("slowlog-max-len"))
	c.LatencyMonitorThreshold.Store(c.Int("latency-monitor-threshold"))
	c.BusyReplyThreshold.Store(c.Int("busy-reply-threshold"))
	c.ProtectedMode.Store(c.Bool("protected-mode"))

	requirePass, appendFsync := c.Text("requirepass"), c.Text("appendfsync")
	c.requirePass.Store(&requirePass)
	c.appendFsync.Store(&appendFsync)
	limits := new(OutputLimits)
	if err := limits.change(c.Words("client-output-buffer-limit")); err != nil {
		panic(err) // the kind has parsed the very same text
	}
	c.outputLimits.Store(limits)
}

// Users are those that the configuration declares, over a table of commands.
func (c *Config) Users(table *command.Table) *acl.Users {
	s := acl.New(table, c.allChannelsAtFirst)
	s.RequirePass(c.RequirePass())
	for _, line := range c.userLines {
		if err := s.Declare(line); err != nil {
			panic(err) // it was tried when it was read
		}
	}
	return s
}

// KeepUsers makes these the users that CONFIG REWRITE writes.
func (c *Config) KeepUsers(s *acl.Users) {
	c.usersNow = func() []*acl.User {
		if c.Text("aclfile") != "" {
			return nil // they stand there
		}
		return s.List()
	}
}

// RequirePass is the password that AUTH asks for; "" = none.
func (c *Config) RequirePass() string { return *c.requirePass.Load() }

// allChannelsAtFirst says what new users may listen to.
func (c *Config) allChannelsAtFirst() bool { return c.Text("acl-pubsub-default") == "allchannels" }

// AppendFsync is always, everysec or no.
func (c *Config) AppendFsync() string { return *c.appendFsync.Load() }

// OutputLimits bound what may wait to be sent to a client.
func (c *Config) OutputLimits() OutputLimits { return *c.outputLimits.Load() }

// File is the absolute path of the conf file, or "".
func (c *Config) File() string { return c.file }

func (c *Config) setting(name string) setting {
	return (*c.settings.Load())[mustParameter(name)]
}

// Text is a parameter's value as CONFIG GET shows it. Like the other getters it panics if there is no
// such parameter: the name is the program's, not a user's.
func (c *Config) Text(name string) string { return c.setting(name).text }

// Words are the words of a value with several, such as bind's addresses.
func (c *Config) Words(name string) []string { return strings.Fields(c.Text(name)) }

// Int is a number: of the parameter's own unit, bytes for memory sizes, file mode bits for unixsocketperm.
func (c *Config) Int(name string) int64 { return c.setting(name).number }

// Bool is whether a yes/no parameter is yes.
func (c *Config) Bool(name string) bool { return c.setting(name).number != 0 }

// Get is CONFIG GET: the name and value of every parameter that a pattern matches, in any
// case of letters, each name once, sorted by name (Redis' order is that of a hash table). A
// name without wildcards is shown in the letters of the request, as Redis shows it.
func (c *Config) Get(patterns ...string) (pairs [][2]string) {
	settings := *c.settings.Load()
	found := make(map[string]bool)
	add := func(key, shown string) {
		if !found[key] {
			found[key] = true
			pairs = append(pairs, [2]string{shown, settings[parameterIndex[key]].text})
		}
	}
	for _, pattern := range patterns {
		key := strings.ToLower(pattern)
		if !strings.ContainsAny(pattern, "*?[") {
			if _, known := parameterIndex[key]; known {
				add(key, pattern)
			}
			continue
		}
		for name := range parameterIndex {
			if glob.Match(words.ViewBytes(key), words.ViewBytes(name)) {
				add(name, name)
			}
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int {
		return strings.Compare(strings.ToLower(a[0]), strings.ToLower(b[0]))
	})
	return pairs
}

// OnChange asks for a call when CONFIG SET changes a parameter: after the new value is in
// place, with the value as CONFIG GET shows it. An error refuses the whole CONFIG SET; fn is
// then called again with the old value. fn must not call Set, Rewrite or OnChange.
func (c *Config) OnChange(name string, fn func(value string) error) {
	i := mustParameter(name)
	c.changing.Lock()
	defer c.changing.Unlock()
	if c.hooks == nil {
		c.hooks = make(map[int][]func(string) error)
	}
	c.hooks[i] = append(c.hooks[i], fn)
}

// OnChanged is OnChange for what can not fail and is called once nothing can refuse the CONFIG SET any more.
func (c *Config) OnChanged(name string, fn func(value string)) {
	i := mustParameter(name)
	c.changing.Lock()
	defer c.changing.Unlock()
	if c.effects == nil {
		c.effects = make(map[int][]func(string))
	}
	c.effects[i] = append(c.effects[i], fn)
}

func mustParameter(name string) int {
	i, known := findParameter(name)
	if !known {
		panic("no parameter " + name)
	}
	return i
}

// Set is CONFIG SET of names and values: all of them or none. The error's text is the
// client's reply, ERR included, as Redis 7 words it.
func (c *Config) Set(pairs [][2]string) error {
	if err := c.checkNames(pairs); err != nil {
		return err
	}
	c.changing.Lock()
	defer c.changing.Unlock()

	old := *c.settings.Load()
	settings := slices.Clone(old)
	for _, pair := range pairs {
		i, _ := findParameter(pair[0])
		before := settings[i].text
		if parameters[i].kind.adds {
			before = ""
		}
		value, err := parameters[i].kind.apply([]string{pair[1]}, before)
		if err != nil {
			return errConfigSet(pair[0], err)
		}
		settings[i] = value
	}

	c.publish(settings)
	for n, pair := range pairs {
		if err := c.runHooks(pair[0], old, settings); err != nil {
			c.publish(old)
			for _, undo := range pairs[:n+1] {
				// The old value was accepted before; there is no third one to turn to.
				_ = c.runHooks(undo[0], settings, old)
			}
			return errConfigSet(pair[0], err)
		}
	}
	for _, pair := range pairs {
		i := mustParameter(pair[0])
		c.saysAppending = c.saysAppending || i == mustParameter("appendonly")
		if old[i] != settings[i] {
			for _, effect := range c.effects[i] {
				effect(settings[i].text)
			}
		}
	}
	return nil
}

// Note says what a parameter is that CONFIG SET does not change, so that CONFIG GET and REWRITE know. The value is a
// good one.
func (c *Config) Note(name, value string) {
	i := mustParameter(name)
	c.changing.Lock()
	defer c.changing.Unlock()
	settings := slices.Clone(*c.settings.Load())
	v, err := parameters[i].kind.apply([]string{value}, "")
	if err != nil {
		panic(name + ": " + err.Error())
	}
	settings[i] = v
	c.publish(settings)
}

// checkNames refuses what no value can make right, before any value is looked at.
func (c *Config) checkNames(pairs [][2]string) error {
	given := make(map[string]bool)
	for _, pair := range pairs {
		name := pair[0]
		i, known := findParameter(name)
		if !known {
			return fmt.Errorf("ERR Unknown option or number of arguments for CONFIG SET - '%s'", name)
		}
		switch flags := parameters[i].flags; {
		case flags&guarded != 0 && c.Text("enable-protected-configs") == "no":
			return errConfigSet(name, errors.New("can't set protected config"))
		case flags&atStart != 0 && !(flags&listening != 0 && pair[1] == c.Text(name)):
			return errConfigSet(name, errors.New("can't set immutable config"))
		case given[strings.ToLower(name)]:
			return errConfigSet(name, errors.New("duplicate parameter"))
		}
		given[strings.ToLower(name)] = true
	}
	return nil
}

// runHooks tells those who asked, if the parameter's value is not what it was.
func (c *Config) runHooks(name string, before, after []setting) error {
	i := mustParameter(name)
	if before[i] == after[i] && parameters[i].flags&reread == 0 {
		return nil
	}
	for _, hook := range c.hooks[i] {
		if err := hook(after[i].text); err != nil {
			return err
		}
	}
	return nil
}

func errConfigSet(name string, reason error) error {
	return fmt.Errorf("ERR CONFIG SET failed (possibly related to argument '%s') - %w", name, reason)
}

// ACLFile is aclfile's absolute path, "" = none is used.
func (c *Config) ACLFile() (string, error) {
	name := c.Text("aclfile")
	if name == "" {
		return "", nil
	}
	return filepath.Abs(name)
}

// hotBound is the hot set's bound where maxmemory is given, 0 = it is not, on so much memory, 0 = unknown: as much as
// was asked for, if it fits beside everything else, or at most a quarter. All are bytes.
func hotBound(given, memory int64) int64 {
	if memory == 0 {
		return cmp.Or(given, fallbackMemoryBytes)
	}
	usual, most := store.HotShare(memory)
	return min(cmp.Or(given, usual), most)
}

// sharedMemory is maxmemory-clients where that is 0; quarter is of the machine's memory. All are bytes.
func sharedMemory(maxMemory, quarter int64) int64 {
	return min(max(maxMemory/4, min(quarter, 256<<20)), 1<<30)
}
