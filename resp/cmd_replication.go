package resp

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode"

	"diskette/resp/command"
	"diskette/resp/internal/words"
)

// PSYNC, SYNC and REPLCONF, by which a replica becomes one and stays in touch. Once it is one it gets no reply to
// anything: its connection carries the stream.

// asReplica is what is known of the client as a replica.
func (cl *client) asReplica() *replica {
	r := cl.replica.Load()
	if r == nil {
		r = &replica{cl: cl, ready: make(chan struct{})}
		cl.replica.Store(r)
	}
	return r
}

// isReplica reports whether the client gets the stream, or is about to.
func (cl *client) isReplica() bool {
	r := cl.replica.Load()
	return r != nil && r.attached.Load()
}

func replconf(cl *client, c *command.Call) command.Reply {
	if len(c.Args)%2 == 0 {
		return command.ErrSyntax
	}
	for i := 1; i < len(c.Args); i += 2 {
		value := c.Args[i+1]
		switch {
		case c.Is(i, "ack"):
			return cl.acknowledge(c, i)
		case c.Is(i, "getack"):
			return command.ReplyNone // a master's word to its replica: nobody here
		case cl.isReplica():
			return command.ReplyNone // others read the rest now: it is told before
		case c.Is(i, "listening-port"):
			port, ok := c.Int(i + 1)
			if !ok || port < 0 || port > 65535 {
				return command.ErrNotInteger
			}
			cl.asReplica().port = int(port)
		case c.Is(i, "ip-address"):
			if len(value) > maxReplicaIP {
				return command.ErrorReply("ERR REPLCONF ip-address provided by replica instance is too long: " + strconv.Itoa(len(value)) + " bytes")
			}
			if bytes.ContainsFunc(value, unicode.IsControl) {
				return command.ErrorReply("ERR REPLCONF ip-address is not printable")
			}
			cl.asReplica().ip = string(value)
		case c.Is(i, "capa"): // those that are unknown are passed over, as in Redis
			r := cl.asReplica()
			r.endMark = r.endMark || strings.EqualFold(string(value), "eof")
			r.psync2 = r.psync2 || strings.EqualFold(string(value), "psync2")
			r.fieldTimes = r.fieldTimes || strings.EqualFold(string(value), capaFieldTimes)
		case c.Is(i, "version"):
			cl.asReplica().version = string(value[:min(len(value), maxReplicaVersion)])
		case c.Is(i, "rdb-only"):
			only, ok := c.Int(i + 1)
			if !ok {
				return command.ErrNotInteger
			}
			cl.asReplica().fileOnly = only == 1
		case c.Is(i, "rdb-filter-only"):
			if refusal := cl.asReplica().leaveAllBut(string(value)); refusal.IsError() {
				return refusal
			}
		default:
			return command.ErrorReply(command.OneLine("ERR Unrecognized REPLCONF option: " + c.Str(i)))
		}
	}
	return command.ReplyOK
}

const (
	maxReplicaIP      = 255 // it may be a name
	maxReplicaVersion = 32
)

// leaveAllBut is REPLCONF rdb-filter-only: all but what the words name is left out of the file.
func (r *replica) leaveAllBut(wanted string) command.Reply {
	named, ok := words.Split(wanted)
	if !ok {
		return command.ErrorReply("ERR Missing rdb-filter-only values")
	}
	r.left = rdbLeft{keys: true, libraries: true}
	for _, word := range named {
		if !strings.EqualFold(word, "functions") {
			return command.ErrorReply(command.OneLine("ERR Unsupported rdb-filter-only option: " + word))
		}
		r.left.libraries = false
	}
	return command.ReplyNone
}

// servesReplica reports whether a replica's connection may still say this. Whatever else could have a reply or a
// message come into the middle of the stream, or have the connection forget what it is.
func servesReplica(r *command.Row) bool {
	switch r.Name {
	case "replconf", "psync", "sync", "ping", "quit":
		return true
	}
	return false
}

var errReplicaCommand = command.ErrorReply("ERR Replica can't interact with the keyspace, nor with its own connection")

// acknowledge is REPLCONF ACK offset [FACK offset]. It has no reply.
func (cl *client) acknowledge(c *command.Call, i int) command.Reply {
	r := cl.replica.Load()
	if r == nil || !r.attached.Load() {
		return command.ReplyNone
	}
	offset, ok := c.Int(i + 1)
	if !ok {
		return command.ReplyNone
	}
	r.ack.Store(max(offset, r.ack.Load()))
	if i+3 < len(c.Args) && c.Is(i+2, "fack") {
		if fsynced, ok := c.Int(i + 3); ok {
			r.fsynced.Store(max(fsynced, r.fsynced.Load()))
		}
	}
	r.heard.Store(c.Now)
	if r.fileSent.Load() && r.state.CompareAndSwap(replicaCopies, replicaOnline) {
		close(r.ready)
	}
	cl.srv.replicas.judge()
	cl.srv.replicas.acknowledged()
	return command.ReplyNone
}

// syncAll is SYNC: PSYNC as it was before 2.8.
func syncAll(cl *client, _ *command.Call) command.Reply {
	if cl.isReplica() {
		return command.ReplyNone
	}
	if refusal := cl.srv.noCopy(); refusal.IsError() {
		return refusal
	}
	cl.asReplica().old = true
	return cl.attach(func(r *replica) { go r.copy(false) })
}

// psync continues the stream where the replica says that it was, or sends everything.
func psync(cl *client, c *command.Call) command.Reply {
	rs := &cl.srv.replicas
	if cl.isReplica() {
		return command.ReplyNone
	}
	if len(c.Args) > 3 && c.Is(3, "failover") {
		return command.ErrorReply("ERR PSYNC FAILOVER can't be sent to a master.")
	}
	if refusal := cl.srv.noCopy(); refusal.IsError() {
		return refusal
	}
	offset, ok := c.Int(2)
	if !ok {
		return command.ErrNotInteger
	}
	id, r := c.Str(1), cl.asReplica()
	reader, state := rs.stream.ReadFrom(id, offset)
	if reader == nil {
		if id != "?" {
			rs.refused.Add(1)
			cl.srv.log.Info().Str("replica", r.name()).Str("its_id", name(c.Args[1])).Int64("offset", offset).Str("id", state.ID).
				Msg("partial resynchronisation refused: it followed another history, or for longer than the backlog reaches back")
		}
		return cl.attach(func(r *replica) { go r.copy(true) })
	}
	rs.partials.Add(1)
	return cl.attach(func(r *replica) {
		reader.SetLimit(r.limit())
		r.reader.Store(reader)
		reply := "+CONTINUE\r\n"
		if r.psync2 {
			reply = "+CONTINUE " + state.ID + "\r\n"
		}
		cl.srv.log.Info().Str("replica", r.name()).Int64("offset", offset).Int64("bytes", reader.Behind()).
			Msg("partial resynchronisation")
		r.getOnline()
		go func() {
			if err := r.send([]byte(reply)); err != nil {
				r.close(err)
				return
			}
			r.follow(reader)
		}()
	})
}

// attach makes the client a replica, once the replies to what it has sent before are on their way. It gets no further
// reply. From start on its bytes are the replica's goroutine's.
func (cl *client) attach(start func(*replica)) command.Reply {
	r := cl.asReplica()
	cl.replied = true
	if cl.send() != nil {
		cl.closing = true
		return command.ReplyNone
	}
	cl.replies = repliesOff
	r.heard.Store(time.Now().UnixMilli())
	r.attached.Store(true)
	cl.srv.replicas.attach(r)
	start(r)
	return command.ReplyNone
}

// noCopy refuses who wants to follow while this server follows a master that it can not reach; KindNone = it does not.
func (s *Server) noCopy() command.Reply {
	if l := s.follow.of.Load(); l != nil && l.state.Load() != linkUp {
		return command.ErrorReply("NOMASTERLINK Can't SYNC while not connected with my master")
	}
	return command.ReplyNone
}
