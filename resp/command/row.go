package command

import (
	"strings"

	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
	"diskette/store"
)

// A Row is a command: its entry in the table, from which dispatch, COMMAND and ACL categories derive. It has one
// function: Read can not write, because it gets a *store.View; Write gets a *store.Tx; Conn works on the connection or
// the server and runs without the keyspace lock (inside MULTI with it: Call.Locked).
type Row struct {
	Name  string // lower case; a subcommand's is its own word
	Arity int    // as in COMMAND: arguments with the name, negative = at least
	Flags Flags
	Keys  []KeySpec

	Read  func(*store.View, *Call) Reply
	Write func(*store.Tx, *Call) Reply
	Conn  func(*Call) Reply
	Subs  []*Row // subcommands, in place of a function or beside it

	Effect Effect // what replicas get for a command that has changed something; nil = the command as it came

	Group string // as in COMMAND DOCS
	Since string
	Doc   string
	Args  string // in the notation of parseArguments: command_args.go
	Cost  string // COMMAND DOCS's complexity, "" = O(1)
	Usage string // a subcommand's arguments as HELP shows them, a line a form
	Cats  string // ACL categories beyond what flags and group imply
	Tips  string

	// NewTable sets these.
	Full       string // "client|list" for subcommands, else name
	ID         int    // of the rows and subcommands' rows, from 0
	TimeVaries bool   // its time depends on the data: see resp/observe.go
	Stats      RowStats
}

// Flags are COMMAND's, and a few of our own that are not shown. A command on keys has Write or Readonly, by its
// function; Denyoom if it can make data larger; Fast if it takes O(1) or O(log N) for each key, field or member that is
// named.
type Flags uint32

const (
	Write Flags = 1 << iota
	Readonly
	Denyoom // needs disk space: refused when the disk is full
	Admin
	Pubsub
	Noscript
	Blocking
	Loading
	Stale
	SkipMonitor
	SkipSlowlog
	Fast
	NoAuth
	NoMulti
	MovableKeys
	AllowBusy
	NoAsyncLoading
	askingFlag
	NoMandatoryKeys

	InPubsub // may be sent by a RESP2 client with subscriptions
	// MayReplicate says that for a pause and for a read-only script the command writes, although COMMAND does
	// not say so: EVAL, FCALL, PUBLISH, PFCOUNT.
	MayReplicate
	RunInMulti // runs at once although a MULTI is open: EXEC, DISCARD, WATCH ...
	AlwaysTold // replicas get it although it has changed nothing here
)

var flagNames = []struct {
	flag Flags
	name string
}{
	{Write, "write"}, {Readonly, "readonly"}, {Denyoom, "denyoom"}, {Admin, "admin"}, {Pubsub, "pubsub"},
	{Noscript, "noscript"}, {Blocking, "blocking"}, {Loading, "loading"}, {Stale, "stale"},
	{SkipMonitor, "skip_monitor"}, {SkipSlowlog, "skip_slowlog"}, {Fast, "fast"}, {NoAuth, "no_auth"},
	{NoAsyncLoading, "no_async_loading"}, {NoMulti, "no_multi"},
	{NoMandatoryKeys, "no_mandatory_keys"}, {MovableKeys, "movablekeys"}, {AllowBusy, "allow_busy"}, {askingFlag, "asking"},
}

// KeySpec says where keys stand in the arguments (range), or how to find them.
type KeySpec struct {
	First, Last, step int                             // places; last < 0 counts from the end, -1 = the last argument
	keyword           string                          // the key follows on this word, which stands at first or later
	half              bool                            // the first half of what follows on keyword are keys
	rest              bool                            // all that follows on keyword are
	counted           bool                            // the argument at First says how many keys follow on it
	Access            string                          // COMMAND's words: see KeyAt
	need              store.Need                      // of the keys: see Needed
	enough            store.Need                      // what is enough of them at first: see AtFirst
	named             func(args [][]byte) store.Names // the elements that the command is about: see Named
	end               *listEnd                        // the end of a list that it is about: see atEnd
	entries           bool                            // a stream's are asked for: see asksForEntries
	Find              func(args [][]byte) []int       // places, for keys that no range describes
	Vary              func(args [][]byte) string      // access, where it depends on the arguments
	notes             string
}

// KeyAt is one key, argument i. The first word of access says what is done to the key, the others what is done to its
// value:
//
//	RO  it is read               access                   what is in it is returned, not only its length or type
//	RW  it is read and changed   insert, update, delete   data are added, replaced, removed
//	OW  it is overwritten        not_key                  it is no key, but a channel
//	RM  it is deleted
//
// With RO and RW the value is in memory when the function runs, unless Heads, Shapes, Mostly or AtFirst say that less
// will do; with OW and RM only the head is: type, deadline, length (store/head.go). ACLs let a user read for access,
// and write for the other three.
func KeyAt(i int, access string) []KeySpec {
	return []KeySpec{{First: i, Last: i, step: 1, Access: access}}
}

// Heads marks keys of which the command needs no more than the head (store/head.go).
func Heads(specs []KeySpec) []KeySpec {
	for i := range specs {
		specs[i].need = store.NeedHead
	}
	return specs
}

// Mostly marks keys whose values are not always needed: the small ones are loaded at once, the
// others when they are asked for.
func Mostly(specs []KeySpec) []KeySpec {
	for i := range specs {
		specs[i].need = store.NeedSmall
	}
	return specs
}

// Shapes marks keys of which the command needs no more than the length or the encoding (store/outline.go).
func Shapes(specs []KeySpec) []KeySpec {
	for i := range specs {
		specs[i].need = store.NeedShape
	}
	return specs
}

// Lengths marks keys of which the command needs no more than the number of elements.
func Lengths(specs []KeySpec) []KeySpec {
	for i := range specs {
		specs[i].need = store.NeedLength
	}
	return specs
}

// Named marks a key of whose elements the command needs those alone that stand at these places, up to the last one
// or, if that is negative, to the end (store/paged.go). Its function looks it up as a part (values.go).
func Named(specs []KeySpec, first, step, last int) []KeySpec {
	return namedBy(specs, func(args [][]byte) store.Names {
		if last < 0 {
			return store.Names{Args: args, First: first, Step: step, Last: len(args) - 1}
		}
		return store.Names{Args: args, First: first, Step: step, Last: last}
	})
}

func namedBy(specs []KeySpec, named func(args [][]byte) store.Names) []KeySpec {
	specs[0].named = named
	return specs
}

// listEnd is where a command works on a list, and how many elements it removes there.
type listEnd struct {
	end  store.End
	pops func(args [][]byte) int
}

// atEnd marks a list of which the command needs an end alone (store/paged_list.go). pops = nil: it only adds.
func atEnd(specs []KeySpec, end store.End, pops func(args [][]byte) int) []KeySpec {
	if pops == nil {
		pops = func([][]byte) int { return 0 }
	}
	specs[0].end = &listEnd{end, pops}
	return specs
}

// asksForEntries marks streams of which the command needs no more than the head, the groups, the first entry and the
// last, until it asks for others (Call.hasEntries). It looks them up as parts.
func asksForEntries(specs []KeySpec) []KeySpec {
	for i := range specs {
		specs[i].entries = true
	}
	return specs
}

// hasEntries reports whether these entries of a stream that was looked up as a part are in memory. If not, the command
// answers ReplyLoad before it has changed anything.
func (c *Call) hasEntries(v *store.View, s *store.Stream, ranges ...store.EntryRange) bool {
	if c.MayLoad {
		return v.WantEntries(s, ranges...)
	}
	v.LoadEntries(s, ranges...)
	return true
}

// names are the elements that the call is about.
func (c *Call) names() store.Names { return c.Row.Keys[0].named(c.Args) }

// AtFirst marks keys of which the command needs no more than this at first: it asks for the
// rest when it turns out so. Where it can not, in MULTI and in scripts, all is loaded at once.
func AtFirst(need store.Need, specs []KeySpec) []KeySpec {
	for i := range specs {
		specs[i].enough = need
	}
	return specs
}

// Needed is what has to be in memory of these keys before the command runs: what the row says,
// or the head, if the value is overwritten or deleted as it is.
func (s *KeySpec) Needed(args [][]byte, first bool) store.Need {
	switch {
	case s.Vary != nil && unread(s.Vary(args)):
		return store.NeedHead
	case first:
		return max(s.need, s.enough)
	}
	return s.need
}

// Want asks for what is needed of the key at place i: see store.View.Want.
func (s *KeySpec) Want(v *store.View, args [][]byte, i int, first bool) bool {
	if s.named != nil {
		return v.WantElements(args[i], s.named(args))
	}
	if s.end != nil {
		return v.WantEnd(args[i], s.end.end, s.end.pops(args))
	}
	if s.entries {
		return v.WantStream(args[i])
	}
	return v.Want(args[i], s.Needed(args, first))
}

// WantAlso is Want for a command that another one makes: see store.View.WantAlso.
func (s *KeySpec) WantAlso(v *store.View, args [][]byte, i int) bool {
	if s.named != nil {
		return v.WantAlsoElements(args[i], s.named(args))
	}
	if s.end != nil {
		return v.WantAlsoEnd(args[i], s.end.end, s.end.pops(args))
	}
	if s.entries {
		return v.WantAlsoStream(args[i])
	}
	return v.WantAlso(args[i], s.Needed(args, false))
}

// Has reports whether WantAlso would find it.
func (s *KeySpec) Has(v *store.View, args [][]byte, i int) bool {
	if s.named != nil {
		return v.HasElements(args[i], s.named(args))
	}
	if s.end != nil {
		return v.HasEnd(args[i], s.end.end, s.end.pops(args))
	}
	if s.entries {
		return v.HasStream(args[i])
	}
	return v.Has(args[i], s.Needed(args, false))
}

// isUnknown reports whether no range and no keyword describes the keys.
func (s *KeySpec) isUnknown() bool { return s.Find != nil && s.First == 0 }

func unread(access string) bool {
	return strings.HasPrefix(access, "OW") || strings.HasPrefix(access, "RM")
}

// noted adds a remark to the first key's specification.
func noted(specs []KeySpec, notes string) []KeySpec {
	specs[0].notes = notes
	return specs
}

// setKey is SET's, which reads its key only for GET.
func setKey() []KeySpec {
	spec := KeyAt(1, "RW access update variable_flags")
	spec[0].Vary = func(args [][]byte) string {
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
func bitfieldKey() []KeySpec {
	spec := KeyAt(1, "RW access update variable_flags")
	spec[0].Vary = func(args [][]byte) string {
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

// KeysFrom is every step-th argument from first to last.
func KeysFrom(first, last, step int, access string) []KeySpec {
	return []KeySpec{{First: first, Last: last, step: step, Access: access}}
}

// keysBehind are the first half of what follows on a word, which stands at place i or later.
func keysBehind(word string, i int, access string) []KeySpec {
	return []KeySpec{{keyword: word, half: true, First: i, step: 1, Access: access}}
}

// KeysCounted are the keys behind a number that says how many they are.
func KeysCounted(at int, access string) []KeySpec {
	return []KeySpec{{First: at, step: 1, counted: true, Access: access}}
}

// ScriptKeys are those of EVAL and FCALL, which declare what their scripts use.
func ScriptKeys(access string) []KeySpec {
	worst := map[string]string{"RW access update": "RW and UPDATE", "RO access": "RO and ACCESS"}[access]
	return noted(KeysCounted(2, access), "We cannot tell how the keys will be used so we assume the worst, "+worst)
}

// MigrateKeys are MIGRATE's: its third argument, or, where that is empty, what follows on KEYS behind the options. A
// password may be the word KEYS.
func MigrateKeys() []KeySpec {
	one, many := KeyAt(3, "RW access delete"), []KeySpec{{keyword: "KEYS", First: -2, rest: true, step: 1, Access: "RW access delete incomplete"}}
	one[0].Find = func(args [][]byte) []int {
		if len(args) <= 3 || migrateKeysAt(args) > 0 {
			return nil
		}
		return []int{3}
	}
	many[0].Find = func(args [][]byte) (places []int) {
		if at := migrateKeysAt(args); at > 0 {
			for i := at; i < len(args); i++ {
				places = append(places, i)
			}
		}
		return places
	}
	return both(one, many)
}

// migrateKeysAt is where the keys of a MIGRATE with KEYS begin, 0 = it has none.
func migrateKeysAt(args [][]byte) int {
	if len(args) <= 3 || len(args[3]) > 0 {
		return 0
	}
	for i := 6; i < len(args); i++ {
		switch {
		case words.EqualFold(args[i], "keys"):
			return i + 1
		case words.EqualFold(args[i], "auth"):
			i++
		case words.EqualFold(args[i], "auth2"):
			i += 2
		}
	}
	return 0
}

// keyBehind is the key that follows on a word at place i or later.
func keyBehind(word string, i int, access string) []KeySpec {
	return []KeySpec{{keyword: word, First: i, step: 1, Access: access}}
}

// EachKey calls fn with the place of every key in args.
func (r *Row) EachKey(args [][]byte, fn func(i int)) {
	for k := range r.Keys {
		r.Keys[k].Each(args, fn)
	}
}

// EachNeeded is EachKey that also gives what says how much is needed of it.
func (r *Row) EachNeeded(args [][]byte, fn func(i int, s *KeySpec)) {
	for k := range r.Keys {
		s := &r.Keys[k]
		s.Each(args, func(i int) { fn(i, s) })
	}
}

// Each calls fn with the place of every key in args, of which there may be any number. sound = the arguments
// are such that the command may accept them: it refuses those that say of more keys than there are.
func (s *KeySpec) Each(args [][]byte, fn func(i int)) (sound bool) {
	if s.Find != nil {
		for _, i := range s.Find(args) {
			fn(i)
		}
		return true
	}
	first, last := s.First, s.Last
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

// ArityOK checks the number of arguments, the command's name included.
func (r *Row) ArityOK(n int) bool { return n == r.Arity || r.Arity < 0 && n >= -r.Arity }

// Sub is a subcommand by its word, in any case; nil = there is none.
func (r *Row) Sub(word []byte) *Row {
	for _, s := range r.Subs {
		if strings.EqualFold(s.Name, string(word)) {
			return s
		}
	}
	return nil
}

// Table is the table, looked up by name in any case.
type Table struct {
	ByName map[string]*Row // lower and upper case, the two that clients send
	Rows   []*Row
	IDs    int // how many Row.ID there are
}

// NewTable makes the table of all commands.
func NewTable(rows []*Row) *Table {
	t := &Table{ByName: map[string]*Row{}, Rows: rows}
	for _, r := range t.Rows {
		r.Full = r.Name
		r.ID = t.newID()
		r.noteTimeVaries()
		r.noteHeads()
		t.ByName[r.Name] = r
		t.ByName[strings.ToUpper(r.Name)] = r
		for _, s := range r.Subs {
			s.Full = r.Name + "|" + s.Name
			s.ID = t.newID()
			if s.Group == "" {
				s.Group = r.Group
			}
			s.noteTimeVaries()
			s.noteHeads()
		}
	}
	return t
}

// noteHeads finds the keys that are overwritten or deleted unread.
func (r *Row) noteHeads() {
	for i := range r.Keys {
		s := &r.Keys[i]
		if unread(s.Access) {
			s.need = store.NeedHead
		}
	}
}

func (t *Table) newID() int {
	t.IDs++
	return t.IDs - 1
}

// Lookup is a command by its name, in any case; nil = there is none.
func (t *Table) Lookup(name []byte) *Row {
	if r := t.ByName[string(name)]; r != nil {
		return r
	}
	if len(name) > 64 {
		return nil
	}
	return t.ByName[strings.ToLower(string(name))]
}

// Each calls fn for every command and subcommand that can be called.
func (t *Table) Each(fn func(*Row)) {
	for _, r := range t.Rows {
		fn(r)
		for _, s := range r.Subs {
			fn(s)
		}
	}
}

func both(specs ...[]KeySpec) []KeySpec {
	var all []KeySpec
	for _, s := range specs {
		all = append(all, s...)
	}
	return all
}

// Needs is what a key specification's access words ask of a pattern. Looking at a key's kind or length needs neither.
func Needs(access string) (read, write, isKey bool) {
	for word := range strings.FieldsSeq(access) {
		switch word {
		case "access":
			read = true
		case "insert", "update", "delete":
			write = true
		case "not_key":
			return false, false, false
		}
	}
	return read, write, true
}
