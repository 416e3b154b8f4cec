package resp

import (
	"strings"

	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
	"diskette/store"
)

// A row is a command: its entry in the table, from which dispatch, COMMAND, ACL categories
// and the README's list derive. It has one function: Read can not write, because it
// gets a *store.View; Write gets a *store.Tx; Conn works on the connection or the server and
// runs without the keyspace lock (inside MULTI with it: call.locked).
type row struct {
	name  string // lower case; a subcommand's is its own word
	arity int    // as in COMMAND: arguments with the name, negative = at least
	flags flags
	keys  []keySpec

	read  func(*store.View, *call) Reply
	write func(*store.Tx, *call) Reply
	conn  func(*call) Reply
	subs  []*row

	group string // as in COMMAND DOCS
	since string
	doc   string
	args  string // as parseArguments reads it
	cost  string // COMMAND DOCS's complexity, "" = O(1)
	usage string // a subcommand's arguments as HELP shows them, a line a form
	cats  string // ACL categories beyond what flags and group imply
	tips  string

	full  string // "client|list" for subcommands, else name
	id    int    // of the rows and subcommands' rows, from 0
	walks bool   // its time depends on the data: see observe.go
	stats rowStats
}

// flags are COMMAND's, and a few of our own that are not shown.
type flags uint32

const (
	write flags = 1 << iota
	readonly
	denyoom // needs disk space: refused when the disk is full
	admin
	pubsub
	noscript
	blocking
	loading
	stale
	skipMonitor
	skipSlowlog
	fast
	noAuth
	noMulti
	movableKeys
	allowBusy
	noAsyncLoading
	sentinelOnly
	protectedFlag
	askingFlag
	noMandatoryKeys

	inPubsub     // may be sent by a RESP2 client with subscriptions
	mayReplicate // for a pause and a read-only script it writes, although COMMAND does not say so: EVAL, FCALL, PUBLISH, PFCOUNT
	runInMulti   // runs at once although a MULTI is open: EXEC, DISCARD, WATCH ...
)

var flagNames = []struct {
	flag flags
	name string
}{
	{write, "write"}, {readonly, "readonly"}, {denyoom, "denyoom"}, {admin, "admin"}, {pubsub, "pubsub"},
	{noscript, "noscript"}, {blocking, "blocking"}, {loading, "loading"}, {stale, "stale"},
	{skipMonitor, "skip_monitor"}, {skipSlowlog, "skip_slowlog"}, {fast, "fast"}, {noAuth, "no_auth"},
	{noAsyncLoading, "no_async_loading"}, {noMulti, "no_multi"},
	{noMandatoryKeys, "no_mandatory_keys"}, {movableKeys, "movablekeys"}, {allowBusy, "allow_busy"}, {askingFlag, "asking"},
}

// keySpec says where keys stand in the arguments (range), or how to find them.
type keySpec struct {
	first, last, step int                        // places; last < 0 counts from the end, -1 = the last argument
	keyword           string                     // the key follows on this word, which stands at first or later
	half              bool                       // the first half of what follows on keyword are keys
	counted           bool                       // at first stands how many keys follow on it
	access            string                     // COMMAND's words: "RO access", "RW update", "OW update", "RM delete" ...
	need              store.Need                 // of the keys: see needed
	find              func(args [][]byte) []int  // places, for keys that no range describes
	vary              func(args [][]byte) string // access, where it depends on the arguments
	notes             string
}

func keyAt(i int, access string) []keySpec {
	return []keySpec{{first: i, last: i, step: 1, access: access}}
}

// heads marks keys of which the command needs no more than the head (store/head.go).
func heads(specs []keySpec) []keySpec {
	for i := range specs {
		specs[i].need = store.NeedHead
	}
	return specs
}

// mostly marks keys whose values are not always needed: the small ones are loaded at once, the others when they are asked for.
func mostly(specs []keySpec) []keySpec {
	for i := range specs {
		specs[i].need = store.NeedSmall
	}
	return specs
}

// needed is what has to be in memory of these keys before the command runs: what the row says, or the head, if the value is
// overwritten or deleted as it is.
func (s *keySpec) needed(args [][]byte) store.Need {
	if s.vary != nil && unread(s.vary(args)) {
		return store.NeedHead
	}
	return s.need
}

func unread(access string) bool {
	return strings.HasPrefix(access, "OW") || strings.HasPrefix(access, "RM")
}

// noted adds a remark to the first key's specification.
func noted(specs []keySpec, notes string) []keySpec {
	specs[0].notes = notes
	return specs
}

// setKey is SET's, which reads its key only for GET.
func setKey() []keySpec {
	spec := keyAt(1, "RW access update variable_flags")
	spec[0].vary = func(args [][]byte) string {
		for _, a := range args[min(3, len(args)):] {
			if strings.EqualFold(string(a), "GET") {
				return "RW access update"
			}
		}
		return "OW update"
	}
	return noted(spec, "RW and ACCESS due to the optional `GET` argument")
}

// bitfieldKey is BITFIELD's, which only reads its key unless it has a SET or INCRBY.
func bitfieldKey() []keySpec {
	spec := keyAt(1, "RW access update variable_flags")
	spec[0].vary = func(args [][]byte) string {
		for i := 2; i < len(args); {
			switch word, left := strings.ToLower(string(args[i])), len(args)-i-1; {
			case word == "get" && left >= 2:
				i += 3
			case word == "overflow" && left >= 1:
				i += 2
			default:
				return "RW access update"
			}
		}
		return "RO access"
	}
	return noted(spec, "This command allows both access and modification of the key")
}

func keysFrom(first, last, step int, access string) []keySpec {
	return []keySpec{{first: first, last: last, step: step, access: access}}
}

// keysBehind are the first half of what follows on a word, which stands at place i or later.
func keysBehind(word string, i int, access string) []keySpec {
	return []keySpec{{keyword: word, half: true, first: i, step: 1, access: access}}
}

// keysCounted are the keys behind a number that says how many they are.
func keysCounted(at int, access string) []keySpec {
	return []keySpec{{first: at, step: 1, counted: true, access: access}}
}

// scriptKeys are those of EVAL and FCALL, which declare what their scripts use.
func scriptKeys(access string) []keySpec {
	worst := map[string]string{"RW access update": "RW and UPDATE", "RO access": "RO and ACCESS"}[access]
	return noted(keysCounted(2, access), "We cannot tell how the keys will be used so we assume the worst, "+worst)
}

// keyBehind is the key that follows on a word at place i or later.
func keyBehind(word string, i int, access string) []keySpec {
	return []keySpec{{keyword: word, first: i, step: 1, access: access}}
}

// eachKey calls fn with the place of every key in args.
func (r *row) eachKey(args [][]byte, fn func(i int)) {
	for k := range r.keys {
		r.keys[k].each(args, fn)
	}
}

// eachNeeded is eachKey that also tells what is needed of it.
func (r *row) eachNeeded(args [][]byte, fn func(i int, need store.Need)) {
	for k := range r.keys {
		s := &r.keys[k]
		need := s.needed(args)
		s.each(args, func(i int) { fn(i, need) })
	}
}

// each calls fn with the place of every key in args, of which there may be any number. sound = the arguments are such that the
// command may accept them: it refuses those that say of more keys than there are.
func (s *keySpec) each(args [][]byte, fn func(i int)) (sound bool) {
	if s.find != nil {
		for _, i := range s.find(args) {
			fn(i)
		}
		return true
	}
	first, last := s.first, s.last
	if last < 0 {
		last += len(args)
	}
	if s.keyword != "" {
		for first < len(args) && !words.EqualFold(args[first], s.keyword) {
			first++
		}
		if first >= len(args) {
			return !s.half // the others are options
		}
		if first++; first >= len(args) && !s.half {
			return true // and one that nothing follows on names no key
		}
		last = first
		if s.half {
			last = first + (len(args)-first)/2 - 1
		}
	}
	if s.counted {
		if first >= len(args) {
			return false
		}
		n, ok := numbers.ParseInt(args[first])
		if !ok || n < 1 || n > int64(len(args)-1-first) {
			return false
		}
		first, last = first+1, first+int(n)
	}
	if first > last || last >= len(args) {
		return false
	}
	for i := first; i <= last; i += s.step {
		fn(i)
	}
	return true
}

// arityOK checks the number of arguments, the command's name included.
func (r *row) arityOK(n int) bool { return n == r.arity || r.arity < 0 && n >= -r.arity }

func (r *row) sub(word []byte) *row {
	for _, s := range r.subs {
		if strings.EqualFold(s.name, string(word)) {
			return s
		}
	}
	return nil
}

// commands is the table, looked up by name in any case.
type commands struct {
	byName map[string]*row // lower and upper case, the two that clients send
	rows   []*row
	ids    int // how many row.id there are
}

func newCommands() *commands {
	t := &commands{byName: map[string]*row{}, rows: commandTable()}
	for _, r := range t.rows {
		r.full = r.name
		r.id = t.newID()
		r.noteWalks()
		r.noteHeads()
		t.byName[r.name] = r
		t.byName[strings.ToUpper(r.name)] = r
		for _, s := range r.subs {
			s.full = r.name + "|" + s.name
			s.id = t.newID()
			if s.group == "" {
				s.group = r.group
			}
			s.noteWalks()
			s.noteHeads()
		}
	}
	return t
}

// noteHeads finds the keys that are overwritten or deleted unread.
func (r *row) noteHeads() {
	for i := range r.keys {
		s := &r.keys[i]
		if unread(s.access) {
			s.need = store.NeedHead
		}
	}
}

func (t *commands) newID() int {
	t.ids++
	return t.ids - 1
}

func (t *commands) lookup(name []byte) *row {
	if r := t.byName[string(name)]; r != nil {
		return r
	}
	if len(name) > 64 {
		return nil
	}
	return t.byName[strings.ToLower(string(name))]
}

// each calls fn for every command and subcommand that can be called.
func (t *commands) each(fn func(*row)) {
	for _, r := range t.rows {
		fn(r)
		for _, s := range r.subs {
			fn(s)
		}
	}
}

func both(specs ...[]keySpec) []keySpec {
	var all []keySpec
	for _, s := range specs {
		all = append(all, s...)
	}
	return all
}
