package command

import (
	"strconv"

	"diskette/expire"
	"diskette/resp/internal/words"
	"diskette/resp/repl"
	"diskette/store"
)

// Effects: what replicas get for a command that has changed something. That is the command as it came, unless its row
// says otherwise (Row.Effect): what depends on the clock, on chance or on who waited comes as what it did, with
// absolute deadlines. A replica that runs them in order has what we have. The words are Redis's own, so that its
// replicas, of any version, know them.
//
//	SET k v EX 10        SET k v PXAT 1700000010000        SPOP k         SREM k member
//	EXPIRE k 10          PEXPIREAT k 1700000010000         BLPOP k 0      LPOP k
//	INCRBYFLOAT k 0.1    SET k 3.1 KEEPTTL                 XADD k * a 1   XADD k 1700000000000-0 a 1
//	EVAL ...             what its commands do              XREADGROUP     XCLAIM for each entry, XGROUP SETID
//
// Where Redis tells its replicas less than they need, they get more: deliveries that XREADGROUP repeats, a consumer
// that it has made and given nothing; and of an entry that is gone XACK, which all versions understand alike.

// Effects gather what replicas get. They are under the keyspace lock, and so is what makes the stream active.
type Effects struct {
	Stream *repl.Stream
	Unit   *repl.Unit
}

// Lost is called when the data has changed in a way that can not be told: replicas copy all of it anew.
func (e *Effects) Lost() {
	e.Unit.Drop()
	e.Stream.Restart()
}

// On reports whether anybody is to hear of effects. It is false for a server without replicas: one atomic load.
func (e *Effects) On() bool { return e.Stream.Active() }

// Write runs a function that writes, and gathers its effects.
func (c *Call) Write(tx *store.Tx) Reply {
	if !c.Effects.On() {
		return c.Row.Write(tx, c)
	}
	before, ended := tx.Alterations(), false
	defer func() {
		if !ended && tx.Alterations() != before {
			c.Effects.Lost()
		}
	}()
	reply := c.Row.Write(tx, c)
	ended = true
	if c.Row.Flags&AlwaysTold != 0 && !reply.IsError() || tx.Alterations() != before {
		if c.Row.Effect != nil {
			c.Row.Effect(tx, c, &reply)
		} else {
			c.Effects.Unit.Add(c.DB, c.Args...)
		}
	}
	return reply
}

// An Effect gives replicas what a command has done. It is called when the command has changed something, with its
// reply.
type Effect func(tx *store.Tx, c *Call, reply *Reply)

// ItsCommands is the effect of what runs commands: each has its own.
func ItsCommands(*store.Tx, *Call, *Reply) {}

// Told is the effect of a function that gathers its effects itself, by TellReplicas.
func Told(*store.Tx, *Call, *Reply) {}

// TellReplicas gathers a command for the replicas, of strings, []byte and int64. Ask Effects.On first.
func (c *Call) TellReplicas(command ...any) {
	args := make([][]byte, len(command))
	for i, a := range command {
		switch a := a.(type) {
		case string:
			args[i] = words.ViewBytes(a)
		case []byte:
			args[i] = a
		case int64:
			args[i] = strconv.AppendInt(nil, a, 10)
		}
	}
	c.Effects.Unit.Add(c.DB, args...)
}

// renamed is the command with another name, and without its last arguments.
func renamed(name string, without int) Effect {
	return func(tx *store.Tx, c *Call, _ *Reply) {
		args := append([][]byte{[]byte(name)}, c.Args[1:len(c.Args)-without]...)
		c.Effects.Unit.Add(c.DB, args...)
	}
}

// setEffect is SET's: with the deadline, if it was given one, which has made the conditions true; else without GET.
func setEffect(tx *store.Tx, c *Call, _ *Reply) {
	o, _ := c.setOptions()
	if o.expiry.at > 0 {
		deadline, _ := o.expiry.deadline(c)
		c.TellReplicas("SET", c.Args[1], c.Args[2], "PXAT", deadline)
		return
	}
	args := append([][]byte{}, c.Args[:3]...)
	for i := 3; i < len(c.Args); i++ {
		if !c.Is(i, "get") {
			args = append(args, c.Args[i])
		}
	}
	c.Effects.Unit.Add(c.DB, args...)
}

// setWithEffect is SETEX's and PSETEX's.
func setWithEffect(unit expire.Unit) Effect {
	return func(tx *store.Tx, c *Call, _ *Reply) {
		deadline, _ := expiry{2, unit}.deadline(c)
		c.TellReplicas("SET", c.Args[1], c.Args[3], "PXAT", deadline)
	}
}

// deadlineEffect tells of a key's deadline as it is now.
func deadlineEffect(tx *store.Tx, c *Call, _ *Reply) {
	key := c.Args[1]
	switch deadline, found := tx.Deadline(key); {
	case !found:
		c.TellReplicas("DEL", key)
	case deadline == 0:
		c.TellReplicas("PERSIST", key)
	default:
		c.TellReplicas("PEXPIREAT", key, deadline)
	}
}

// incrbyfloatEffect is INCRBYFLOAT's: its sum may not be the same elsewhere.
func incrbyfloatEffect(tx *store.Tx, c *Call, reply *Reply) {
	c.TellReplicas("SET", c.Args[1], reply.S, "KEEPTTL")
}

func hincrbyfloatEffect(tx *store.Tx, c *Call, reply *Reply) {
	c.TellReplicas("HSET", c.Args[1], c.Args[2], reply.S)
}

// hexpireEffect is HEXPIRE's and its kin's: which of the fields have another deadline, and which are gone.
func hexpireEffect(unit expire.Unit) Effect {
	return func(tx *store.Tx, c *Call, reply *Reply) {
		deadline, _ := c.fieldDeadline(unit)
		_, at := c.fieldCondition()
		fields, _ := c.fieldNames(at, errNumFields)
		var changed, gone []any
		for i, field := range fields {
			switch reply.Elems[i].N {
			case deadlineChanged:
				changed = append(changed, field)
			case fieldGoneAtOnce:
				gone = append(gone, field)
			}
		}
		if len(changed) > 0 {
			c.TellReplicas(append([]any{"HPEXPIREAT", c.Args[1], deadline, "FIELDS", int64(len(changed))}, changed...)...)
		}
		if len(gone) > 0 {
			c.TellReplicas(append([]any{"HDEL", c.Args[1]}, gone...)...)
		}
	}
}

// spopEffect is SPOP's: whom chance took.
func spopEffect(tx *store.Tx, c *Call, reply *Reply) {
	switch {
	case reply.Kind != KindSet:
		c.TellReplicas("SREM", c.Args[1], reply.S)
	case tx.TypeOf(c.Args[1]) == store.None:
		c.TellReplicas("DEL", c.Args[1])
	default:
		for elems := reply.Elems; len(elems) > 0; {
			n := min(len(elems), spopTold)
			srem := []any{"SREM", c.Args[1]}
			for _, e := range elems[:n] {
				srem = append(srem, e.S)
			}
			c.TellReplicas(srem...)
			elems = elems[n:]
		}
	}
}

// spopTold is how many members an SREM for SPOP takes.
const spopTold = 1024

// popEffect is a blocking pop's: one element of the key that the reply names.
func popEffect(pop string) Effect {
	return func(tx *store.Tx, c *Call, reply *Reply) { c.TellReplicas(pop, reply.Elems[0].S) }
}

// multiPopEffect is LMPOP's, ZMPOP's and their blocking forms', whose arguments begin at i.
func multiPopEffect(m *multiPop, i int, first, last string) Effect {
	return func(tx *store.Tx, c *Call, reply *Reply) {
		p, _ := m.parse(c, i)
		pop := first
		if p.last {
			pop = last
		}
		c.TellReplicas(pop, reply.Elems[0].S, int64(len(reply.Elems[1].Elems)))
	}
}

// restoreEffect is RESTORE's, with an absolute deadline; one that has passed has deleted the key.
func restoreEffect(tx *store.Tx, c *Call, _ *Reply) {
	key := c.Args[1]
	deadline, found := tx.Deadline(key)
	if !found {
		c.TellReplicas("DEL", key)
		return
	}
	o, _ := c.restoreOptions()
	args := append([][]byte{}, c.Args...)
	if deadline != 0 && !o.absolute {
		args[2] = strconv.AppendInt(nil, deadline, 10)
		args = append(args, []byte("ABSTTL"))
	}
	c.Effects.Unit.Add(c.DB, args...)
}
