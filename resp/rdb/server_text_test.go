package rdb

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// keyLines asks a server for all that it has and returns the lines that readAll gives of a file with that. It does
// not use DUMP, which is what is tested.
func (r *redis) keyLines() (lines []string) {
	r.t.Helper()
	for line := range strings.Lines(r.must("INFO", "keyspace")) {
		name, _, isDB := strings.Cut(line, ":keys=")
		if !isDB {
			continue
		}
		db, err := strconv.Atoi(strings.TrimPrefix(name, "db"))
		if err != nil {
			r.t.Fatal(err)
		}
		r.must("SELECT", strconv.Itoa(db))
		for _, key := range r.list("KEYS", "*") {
			rec := &Record{DB: db, Key: key}
			if at, _ := strconv.ParseInt(r.do("PEXPIRETIME", key), 10, 64); at > 0 {
				rec.ExpiresMs = at
			}
			lines = append(lines, keyLine(rec, r.valueOf(key)))
		}
	}
	slices.Sort(lines)
	return lines
}

func (r *redis) valueOf(key string) *Value {
	r.t.Helper()
	switch kind := r.must("TYPE", key); kind {
	case "string":
		return &Value{Kind: String, String: r.do("GET", key)}
	case "list":
		return &Value{Kind: List, Elements: r.list("LRANGE", key, "0", "-1")}
	case "set":
		return &Value{Kind: Set, Elements: r.list("SMEMBERS", key)}
	case "hash":
		return r.hashOf(key)
	case "zset":
		v := &Value{Kind: ZSet}
		for pair := range slices.Chunk(r.list("ZRANGE", key, "0", "-1", "WITHSCORES"), 2) {
			score, err := strconv.ParseFloat(pair[1], 64)
			if err != nil {
				r.t.Fatal(err)
			}
			v.Members = append(v.Members, Member{pair[0], score})
		}
		return v
	case "stream":
		return &Value{Kind: Stream, Stream: r.streamOf(key)}
	default:
		r.t.Fatalf("key %q is a %s", key, kind)
		return nil
	}
}

func (r *redis) hashOf(key string) *Value {
	v := &Value{Kind: Hash, Elements: r.list("HGETALL", key)}
	for i := 0; i < len(v.Elements); i += 2 {
		times, isList := r.tree("HPEXPIRETIME", key, "FIELDS", "1", v.Elements[i]).([]any)
		if !isList {
			return v // a server from before field deadlines
		}
		at, _ := strconv.ParseInt(times[0].(string), 10, 64)
		v.Times = append(v.Times, max(at, 0))
	}
	return v
}

// facts makes a map of names and values in turn.
func facts(reply any) map[string]any {
	m := map[string]any{}
	for pair := range slices.Chunk(reply.([]any), 2) {
		m[pair[0].(string)] = pair[1]
	}
	return m
}

func idOf(s any) (id ID) {
	fmt.Sscanf(s.(string), "%d-%d", &id.Ms, &id.Seq)
	return id
}

func numberOf(s any) int64 {
	n, err := strconv.ParseInt(fmt.Sprint(s), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

func (r *redis) streamOf(key string) *StreamValue {
	r.t.Helper()
	info := facts(r.tree("XINFO", "STREAM", key, "FULL", "COUNT", "0"))
	s := &StreamValue{Last: idOf(info["last-generated-id"]), Added: numberOf(info["length"])}
	if deleted, known := info["max-deleted-entry-id"]; known { // from Redis 7.0 on
		s.MaxDeleted, s.Added = idOf(deleted), numberOf(info["entries-added"])
	}
	for _, e := range info["entries"].([]any) {
		entry := Entry{ID: idOf(e.([]any)[0])}
		for _, s := range e.([]any)[1].([]any) {
			entry.Fields = append(entry.Fields, s.(string))
		}
		s.Entries = append(s.Entries, entry)
	}
	for _, g := range info["groups"].([]any) {
		group := facts(g)
		to := Group{Name: group["name"].(string), Last: idOf(group["last-delivered-id"]), Read: -1}
		if read, known := group["entries-read"]; known {
			to.Read = numberOf(read)
		}
		index := map[string]int{}
		for i, c := range group["consumers"].([]any) {
			consumer := facts(c)
			at := Consumer{Name: consumer["name"].(string), SeenMs: numberOf(consumer["seen-time"])}
			if at.ActiveMs = at.SeenMs; consumer["active-time"] != nil {
				at.ActiveMs = numberOf(consumer["active-time"])
			}
			to.Consumers, index[at.Name] = append(to.Consumers, at), i
		}
		pending := group["pending"]
		if pending == nil {
			pending = group["pel"]
		}
		for _, p := range pending.([]any) {
			p := p.([]any)
			to.Pending = append(to.Pending, Pending{idOf(p[0]), index[p[1].(string)], numberOf(p[2]), numberOf(p[3])})
		}
		s.Groups = append(s.Groups, to)
	}
	return s
}
