package resp

import (
	"bytes"

	"diskette/resp/command"
	"diskette/store"
)

func migrateRows() []*command.Row {
	return []*command.Row{
		{Name: "migrate", Arity: -6, Flags: command.Write | command.MovableKeys, Keys: command.MigrateKeys(), Write: migrate, Effect: command.Told,
			Group: "generic", Since: "2.6.0", Cats: "dangerous", Tips: "nondeterministic_output",
			Args: "host port=integer key destination-db timeout [COPY] [REPLACE] " +
				"[authentication(AUTH password|username_password{AUTH2 username password})] [KEYS keys=key...]",
			Cost: "O(N) in the size of the values, with their transfer",
			Doc:  "Moves keys to another server."},
	}
}

// MIGRATE gives keys to another server by RESTORE, in one pipeline, and deletes those that it has taken. Redis serves
// nobody meanwhile. Here only the look at the keys and their deletion hold the keyspace lock; while the network is
// waited for others go on, and see what they would see of Redis:
//
//   - Commands that write wait until it is over, as in a CLIENT PAUSE of writes, so no key changes between its RESTORE
//     and its deletion. Reads see the keys until they are deleted. With COPY nobody waits.
//   - A command that had passed that gate already may still change a key. Its version tells: then the key is sent once
//     more, now under the lock, before it is deleted.
//   - In MULTI and in scripts everything happens under the lock, as in Redis.
//
// So a key is never in neither place for those who look at both, and never lost: it is deleted here when the other
// server has said that it has it.
func migrate(tx *store.Tx, c *command.Call) command.Reply {
	m, sent := c.Resume.(*migration)
	if sent {
		return m.finish(tx, c)
	}
	m, refusal := newMigration(c)
	if refusal.IsError() {
		return refusal
	}
	for _, i := range m.places {
		if encode := command.Payload(&tx.View, c.Args[i], c.Settings); encode != nil {
			deadline, _ := tx.Deadline(c.Args[i])
			m.keys = append(m.keys, &migrant{name: bytes.Clone(c.Args[i]), deadline: deadline, encode: encode})
		}
	}
	if len(m.keys) == 0 {
		return command.Simple("NOKEY")
	}
	m.versions = tx.Versions(m.names())
	if !c.MayLeaveLock {
		m.transfer(m.keys)
		return m.finish(tx, c)
	}
	if !m.copy {
		clientOf(c).letWrites = m.srv.pause.holdWrites()
	}
	c.OffLock = func() any {
		m.transfer(m.keys)
		return m
	}
	return command.ReplyNone
}

// migration is a MIGRATE under way.
type migration struct {
	srv               *Server
	address           address
	db                int64
	user, password    string
	auth, named       bool // a password was given; with a user
	copy, replace     bool
	places            []int // of the keys in the arguments
	keys              []*migrant
	versions          []store.Version
	answer            string // the first error that the other server has answered
	failed            error  // of the connection
	writing, resolved bool   // what was done when it failed
}

// migrant is a key that is to be given away.
type migrant struct {
	name     []byte
	deadline int64
	encode   func() []byte
	taken    bool // the other server has said that it has it
	again    bool // it had, and the key has changed: it is replaced
	gone     bool // and is not here any more
}

func (m *migration) names() (names [][]byte) {
	for _, k := range m.keys {
		names = append(names, k.name)
	}
	return names
}

// newMigration reads the arguments.
func newMigration(c *command.Call) (m *migration, refusal command.Reply) {
	m = &migration{srv: clientOf(c).srv, address: address{host: c.Str(1), port: c.Str(2)}, places: []int{3}}
	for i := 6; i < len(c.Args); i++ {
		left := len(c.Args) - 1 - i
		switch {
		case c.Is(i, "copy"):
			m.copy = true
		case c.Is(i, "replace"):
			m.replace = true
		case c.Is(i, "auth") && left >= 1:
			m.auth, m.named, m.password = true, false, c.Str(i+1)
			i++
		case c.Is(i, "auth2") && left >= 2:
			m.auth, m.named, m.user, m.password = true, true, c.Str(i+1), c.Str(i+2)
			i += 2
		case c.Is(i, "keys") && len(c.Args[3]) > 0:
			return nil, command.ErrorReply("ERR When using MIGRATE KEYS option, the key argument must be set to the empty string")
		case c.Is(i, "keys"):
			m.places = nil
			for i++; i < len(c.Args); i++ {
				m.places = append(m.places, i)
			}
		default:
			return nil, command.ErrSyntax
		}
	}
	timeout, ok := c.Int(5)
	if ok {
		m.db, ok = c.Int(4)
	}
	if !ok {
		return nil, command.ErrNotInteger
	}
	m.address.timeout = timeout
	return m, command.ReplyNone
}

// finish deletes what the other server has taken. The keyspace lock is held.
func (m *migration) finish(tx *store.Tx, c *command.Call) command.Reply {
	if !m.copy {
		if changed := m.changed(tx, c); len(changed) > 0 {
			m.transfer(changed)
		}
		gone := []any{"DEL"}
		for _, k := range m.keys {
			if k.taken && tx.Delete(k.name) {
				m.srv.notify(c.DB, command.EventGeneric, "del", string(k.name))
				gone = append(gone, k.name)
			}
		}
		if len(gone) > 1 && c.Effects.On() {
			c.TellReplicas(gone...)
		}
	}
	switch {
	case m.answer != "":
		return command.ErrorReply(command.OneLine("ERR Target instance replied with error: " + m.answer))
	case m.failed == nil:
		return command.ReplyOK
	case !m.resolved:
		return command.ErrorReply("IOERR error or timeout connecting to the client")
	case m.writing:
		return command.ErrorReply("IOERR error or timeout writing to target instance")
	}
	return command.ErrorReply("IOERR error or timeout reading to target instance")
}

// changed are those of the keys that the other server has taken and that have changed since.
func (m *migration) changed(tx *store.Tx, c *command.Call) (changed []*migrant) {
	for i, k := range m.keys {
		if !k.taken || tx.Unchanged([][]byte{k.name}, m.versions[i:i+1]) {
			continue
		}
		k.taken, k.again = false, true
		k.encode = command.Payload(&tx.View, k.name, c.Settings)
		k.deadline, _ = tx.Deadline(k.name)
		k.gone = k.encode == nil
		changed = append(changed, k)
	}
	return changed
}
