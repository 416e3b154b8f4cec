package command

import (
	"strings"

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
