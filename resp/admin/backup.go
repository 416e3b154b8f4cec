package admin

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

func (l *look) backup() error {
	info, err := l.c.info("persistence", "server", "diskette")
	if err != nil {
		return err
	}
	data := map[string]any{}
	if at := info.number("rdb_last_save_time"); at > 0 && info.number("rdb_saves") > 0 {
		data["Saved"] = time.Unix(int64(at), 0)
	}
	data["Last"] = lastBackup(info, time.Now())
	data["Size"] = info.number("database_bytes")
	return l.show("backup", "Backup", data)
}

// dump sends all data as an RDB file: it asks for it as a replica does, and goes when it has got it.
func (l *look) dump() error {
	for _, args := range [][]string{{"REPLCONF", "capa", "eof"}, {"REPLCONF", "rdb-only", "1"}} {
		if _, err := l.c.do(args...); err != nil {
			return err
		}
	}
	began := time.Now() // all that was acknowledged by now is in the copy
	l.c.put([]string{"SYNC"})
	if err := l.c.w.Flush(); err != nil {
		return l.c.breaks(err)
	}
	line := ""
	for line == "" { // line ends while the copy is being prepared
		_ = l.c.net.SetDeadline(time.Now().Add(commandTime))
		var err error
		if line, err = l.c.line(); err != nil {
			return l.c.breaks(err)
		}
	}
	if line[0] == '-' {
		return denial{line[1:]}
	}
	l.file("diskette-" + began.UTC().Format("20060102-150405") + ".rdb")
	var err error
	if mark, ok := strings.CutPrefix(line, "$EOF:"); ok {
		err = l.untilMark(mark)
	} else {
		var size int64
		if size, err = strconv.ParseInt(strings.TrimPrefix(line, "$"), 10, 64); err == nil {
			err = l.copy(size)
		}
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the browser is to see that it is not whole
	}
	l.s.back.NoteBackup("rdb", began, l.sent)
	return nil
}

// file makes what follows a file to be saved.
func (l *look) file(name string) {
	h := l.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", "attachment; filename="+name)
}

// write sends a piece. Each has its own time.
func (l *look) write(piece []byte) error {
	_ = l.c.net.SetDeadline(time.Now().Add(commandTime))
	_ = http.NewResponseController(l.w).SetWriteDeadline(time.Now().Add(answerTime))
	n, err := l.w.Write(piece)
	l.sent += int64(n)
	return err
}

func (l *look) copy(size int64) error {
	piece := make([]byte, 64<<10)
	for size > 0 {
		n, err := l.c.r.Read(piece[:min(size, int64(len(piece)))])
		if err != nil {
			return err
		}
		if err := l.write(piece[:n]); err != nil {
			return err
		}
		size -= int64(n)
	}
	return nil
}

// untilMark copies up to the mark, which stands at the very end.
func (l *look) untilMark(mark string) error {
	piece := make([]byte, 64<<10)
	held := 0 // bytes at the beginning of piece that may be the mark's
	for {
		n, err := l.c.r.Read(piece[held:])
		held += n
		if held >= len(mark) {
			if string(piece[held-len(mark):held]) == mark {
				return l.write(piece[:held-len(mark)])
			}
			if err := l.write(piece[:held-len(mark)]); err != nil {
				return err
			}
			held = copy(piece, piece[held-len(mark):held])
		}
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
}

// sliceLine is a key in a slice of the data as JSON lines. Each text in it, the key and every part of the value, is for
// itself a string, or {"base64": "..."} if it is no UTF-8, as diskette sql --json has them.
type sliceLine struct {
	Key   any    `json:"key"`
	Type  string `json:"type"`
	TTL   int64  `json:"ttl_ms,omitempty"`
	Value any    `json:"value,omitempty"`
	Left  string `json:"left_out,omitempty"` // why there is no value
}

// mostSlice is the longest value in a slice; what is longer, and whole databases, are an RDB file's.
const mostSlice = 1 << 20

// slice sends the keys that a search finds, a line each.
func (l *look) slice() error {
	db, err := l.database()
	if err != nil {
		return err
	}
	cursor, match := "0", pattern(l.r.FormValue("q"))
	first := true
	for {
		names, next, _, err := l.scan(match, cursor, mostKeys)
		if first {
			if err != nil {
				return err
			}
			l.file("diskette-" + dbName(db) + ".jsonl")
			first = false
		}
		if err == nil {
			err = l.sliceOf(names)
		}
		if err != nil || l.r.Context().Err() != nil {
			panic(http.ErrAbortHandler)
		}
		if cursor = next; cursor == "0" {
			return nil
		}
	}
}

// sliceOf sends the lines of some keys.
func (l *look) sliceOf(names []string) error {
	var commands [][]string
	for _, name := range names {
		commands = append(commands, []string{"TYPE", name}, []string{"PTTL", name}, []string{"MEMORY", "USAGE", name})
	}
	heads, err := l.c.pipeline(commands)
	if err != nil {
		return err
	}
	for i, name := range names {
		if heads[3*i].text == "none" { // it has gone
			continue
		}
		line, err := l.lineOf(name, heads[3*i:3*i+3])
		if err != nil {
			return err
		}
		text, err := json.Marshal(line)
		if err != nil {
			return err
		}
		if err := l.write(append(text, '\n')); err != nil {
			return err
		}
	}
	return nil
}

// lineOf reads a key, of which type, time to live and size are known.
func (l *look) lineOf(name string, head []value) (line *sliceLine, err error) {
	line = &sliceLine{Key: jsonText(name), Type: head[0].text, TTL: max(0, head[1].int())}
	read := map[string][]string{"string": {"GET", name}, "hash": {"HGETALL", name}, "list": {"LRANGE", name, "0", "-1"},
		"set": {"SMEMBERS", name}, "zset": {"ZRANGE", name, "0", "-1", "WITHSCORES"}, "stream": {"XRANGE", name, "-", "+"}}[line.Type]
	var v value
	switch {
	case head[0].failed():
		line.Type, line.Left = "", head[0].text
	case read == nil:
		line.Left = "of a type that has no form here"
	case head[2].int() > mostSlice:
		line.Left = "longer than " + humanBytes(mostSlice)
	default:
		l.c.mostBulk = mostReply
		v, err = l.c.do(read...)
		l.c.mostBulk = 0
		switch {
		case err != nil && l.c.broken != nil:
			return nil, err
		case err != nil:
			line.Left = err.Error()
		case v.anyCut():
			line.Left = "longer than " + humanBytes(mostSlice)
		}
	}
	if line.Left == "" {
		line.Value = v.plain()
	}
	return line, nil
}

// jsonText is a text as a slice has it.
func jsonText(text string) any {
	if utf8.ValidString(text) {
		return text
	}
	return map[string]string{"base64": base64.StdEncoding.EncodeToString([]byte(text))}
}

func (v *value) anyCut() bool {
	for i := range v.elems {
		if v.elems[i].anyCut() {
			return true
		}
	}
	return v.cut()
}

// plain is a reply as JSON has it: texts, and lists of them.
func (v *value) plain() any {
	switch v.kind {
	case '*', '~', '%', '>':
		list := make([]any, len(v.elems))
		for i := range v.elems {
			list[i] = v.elems[i].plain()
		}
		return list
	case '_':
		return nil
	}
	return jsonText(v.text)
}
