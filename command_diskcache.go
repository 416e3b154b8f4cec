package main

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"diskette/resp"
	"diskette/resp/diskcache"
	"diskette/store"
)

// diskcacheCommand is diskette import-diskcache.
type diskcacheCommand struct {
	From  string `arg:"" name:"cache" help:"DiskCache's directory: a Cache or a FanoutCache."`
	DB    number `name:"db" default:"0" help:"The database for its keys."`
	Most  number `name:"databases" help:"How many databases the server has, if not 16."`
	Into  string `help:"The data directory; otherwise the server's default."`
	Form  string `name:"disk" enum:"auto,plain,json" default:"auto" help:"How it was written: plain by Disk, json by JSONDisk."`
	Merge bool   `help:"The database may have keys; those of the same name are replaced."`
	JSON  bool   `name:"json" help:"Write the result as JSON."`
}

// Help is what --help says besides.
func (diskcacheCommand) Help() string {
	return `Keys and values of text, bytes and numbers are taken as they are, what JSONDisk wrote is decoded, and pickled values become
JSON if they are plain ones: nothing is ever run. What can not be read is named, counted and left out. Deadlines are kept; the keys
with a tag are members of the set tag:NAME. A new data directory comes to be whole or not at all; into one that has data keys come
one after the other, so an import that was interrupted is done again with --merge. No server may have the data directory open.`
}

type diskcacheResult struct {
	From      string         `json:"from"`
	Dir       string         `json:"dir"`
	DB        int            `json:"db"`
	Disk      diskcache.Form `json:"disk"`
	Keys      int64          `json:"keys"`
	Tags      int            `json:"tags"`
	Expired   int64          `json:"expired"`
	Unread    int64          `json:"unread"`
	SameNames int64          `json:"same_names"`
	Seconds   float64        `json:"seconds"`
}

// Run does it.
func (c *diskcacheCommand) Run(s *session) error {
	var options []string
	if c.Most != 0 {
		options = append(options, "--databases", strconv.Itoa(int(c.Most)))
	}
	if c.Into != "" {
		options = append(options, "--dir", c.Into)
	}
	cfg, err := optionsOf(options, "")
	if err == nil {
		err = reachable(fmt.Sprintf("--db %d", c.DB), int(c.DB), cfg)
	}
	if err != nil {
		return err
	}
	m := cacheImport{c: c, s: s, dir: cfg.Text("dir"), begun: time.Now(), tags: map[string]bool{}, tagNames: map[string]bool{},
		seed: maphash.MakeSeed(), met: map[uint64]struct{}{}}
	if m.from, err = diskcache.Open(c.From, diskcache.Options{Form: diskcache.Form(c.Form), Now: m.begun,
		Bytes: int(cfg.Int("proto-max-bulk-len"))}); err != nil {
		return err
	}
	if _, err := leaveRoot(m.dir, os.Getenv); err != nil {
		return err
	}
	m.server = resp.NewServer(cfg, zerolog.Nop(), nil)
	o, err := storeAt(m.dir, s.errors)
	if err != nil {
		return err
	}
	o.Databases = cfg.Databases
	if store.Fresh(m.dir) {
		err = m.intoNew(o)
	} else {
		err = m.intoOld(o)
	}
	if err != nil {
		return err
	}
	return m.report()
}

// cacheImport is an import under way.
type cacheImport struct {
	c      *diskcacheCommand
	s      *session
	dir    string
	from   *diskcache.Cache
	server *resp.Server
	begun  time.Time

	counts   diskcache.Counts
	seen     int64
	unread   int64
	clashed  int64 // of these, those that were read and have the name of a tag's set
	same     int64
	tags     map[string]bool // the sets that tags have become
	tagNames map[string]bool // keys that are called as such a set would be
	seed     maphash.Seed
	met      map[uint64]struct{} // hashes of the names that a key of another type may have, too
}

// intoNew makes a data directory, whole or not at all.
func (m *cacheImport) intoNew(o store.Options) error {
	im, err := store.NewImport(o)
	if err != nil {
		return err
	}
	st, err := im.Open(o)
	if err == nil {
		err = errors.Join(m.fill(st), st.Close())
	}
	if err != nil {
		return errors.Join(err, im.Abort())
	}
	_, err = im.Finish(m.c.From)
	return err
}

// intoOld puts the keys beside what is there.
func (m *cacheImport) intoOld(o store.Options) error {
	st, err := store.Open(o)
	if err != nil {
		return err
	}
	st.Lock()
	has := st.DatabaseStatsLocked(m.begun.UnixMilli())[m.c.DB].Keys
	st.Unlock()
	if has > 0 && !m.c.Merge {
		err = fmt.Errorf("database %d of %s has %d keys already: choose another one by --db, or put these beside them by --merge",
			m.c.DB, m.dir, has)
	} else {
		err = m.fill(st)
	}
	return errors.Join(err, st.Close())
}

// fill runs the commands that make the keys.
func (m *cacheImport) fill(st *store.Store) (err error) {
	run := m.server.Replay(st)
	defer run.Close()
	if err := run.Run(command("SELECT", strconv.Itoa(int(m.c.DB)))); err != nil {
		return err
	}
	bar := newProgressBar(m.s.errors)
	defer bar.end()
	step := func() {
		m.seen++
		bar.draw(100*float64(m.seen)/float64(max(m.from.Total, 1)), fmt.Sprintf("%d of %d entries", m.seen, m.from.Total), false)
	}
	m.counts, err = m.from.Each(m.s.ctx, func(e diskcache.Entry) error {
		step()
		return m.put(run, e)
	}, func(u diskcache.Unread) {
		step()
		m.leftOut(u.Key, u.Err)
	})
	return err
}

func command(words ...string) [][]byte {
	all := make([][]byte, len(words))
	for i := range words {
		all[i] = []byte(words[i])
	}
	return all
}

const tagPrefix = "tag:"

// put makes one key, and makes it a member of its tag's set.
func (m *cacheImport) put(run *resp.Replay, e diskcache.Entry) error {
	key := string(e.Key)
	if strings.HasPrefix(key, tagPrefix) {
		if m.tags[key] {
			m.clashed++
			m.leftOut(fmt.Sprintf("%.100q", key), errors.New("the set of a tag has this name"))
			return nil
		}
		m.tagNames[key] = true
	}
	if key != "" && strings.ContainsRune("-0123456789[{inf", rune(key[0])) {
		sum := maphash.String(m.seed, key)
		if _, twice := m.met[sum]; twice {
			m.same++
			m.s.note("%.100q is there twice, as text and as a number or another value: the later one counts", key)
		}
		m.met[sum] = struct{}{}
	}
	set := command("SET", key, "")
	set[2] = e.Value
	if e.Deadline != 0 {
		set = append(set, command("PXAT", strconv.FormatInt(e.Deadline, 10))...)
	}
	if err := run.Run(set); err != nil || e.Tag == nil {
		return err
	}
	tag := tagPrefix + string(e.Tag)
	if m.tagNames[tag] {
		m.s.note("%.100q is not among those of its tag: a key is called %.100q", key, tag)
		return nil
	}
	m.tags[tag] = true
	return run.Run(command("SADD", tag, key))
}

// namedUnread is how many entries that are left out are named.
const namedUnread = 100

func (m *cacheImport) leftOut(key string, why error) {
	if m.unread++; m.unread <= namedUnread {
		m.s.note("not read: %s: %v", key, why)
	}
}

func (m *cacheImport) report() error {
	if m.unread > namedUnread {
		m.s.note("and %d more that were not read", m.unread-namedUnread)
	}
	r := diskcacheResult{m.c.From, m.dir, int(m.c.DB), m.from.Form, m.counts.Read - m.clashed, len(m.tags), m.counts.Expired,
		m.unread, m.same, time.Since(m.begun).Seconds()}
	return m.s.answer(m.c.JSON, r, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %d keys with %d tags are in database %d of %s, after %.1f s; %d had expired, %d could not be read\n",
			r.From, r.Keys, r.Tags, r.DB, r.Dir, r.Seconds, r.Expired, r.Unread)
	})
}
