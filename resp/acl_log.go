package resp

import (
	"strings"
	"sync"
	"sync/atomic"
)

// denials is ACL LOG's entries and INFO's counts.
type denials struct {
	counts [denialReasons]atomic.Int64

	mu struct {
		sync.Mutex
		entries []*denialEntry // the newest first
		lastID  int64
	}
}

// A denialEntry stands for the same thing denied to the same user again and again, if no minute lies between.
type denialEntry struct {
	id            int64
	count         int64
	reason        denialReason
	context       string
	object, user  string
	createdMillis int64
	updatedMillis int64
	client        string // the line of the last client
}

const (
	sameDenialMillis = 60_000
	sameDenialScan   = 10 // entries that are compared with a new one
)

// noteDenial counts a denial at now and logs it, client being its client's line and most how many entries are kept.
func (s *users) noteDenial(now int64, reason denialReason, context, object, user, client string, most int64) {
	e := &denialEntry{count: 1, reason: reason, context: context, object: strings.Clone(object), user: user, createdMillis: now, updatedMillis: now, client: client}
	d := &s.denials
	d.counts[reason].Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	entries := d.mu.entries
	for i, same := range entries[:min(len(entries), sameDenialScan)] {
		if same.reason == reason && same.context == context && same.object == object && same.user == user && now-same.updatedMillis <= sameDenialMillis {
			copy(entries[1:i+1], entries[:i])
			entries[0] = same
			same.count, same.updatedMillis, same.client = same.count+1, now, e.client
			return
		}
	}
	e.id = d.mu.lastID
	d.mu.lastID++
	d.mu.entries = append([]*denialEntry{e}, entries...)
	d.trimLocked(most)
}

// trimLocked forgets the oldest entries. The caller holds d.mu.
func (d *denials) trimLocked(most int64) {
	if n := min(int64(len(d.mu.entries)), most); n < int64(len(d.mu.entries)) {
		clear(d.mu.entries[n:])
		d.mu.entries = d.mu.entries[:n]
	}
}

// newest are copies of up to count entries.
func (d *denials) newest(count int64) (entries []denialEntry) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.mu.entries[:max(min(count, int64(len(d.mu.entries))), 0)] {
		entries = append(entries, *e)
	}
	return entries
}

func (d *denials) reset() {
	d.mu.Lock()
	d.mu.entries = nil
	d.mu.Unlock()
}

func (e *denialEntry) reply(now int64) Reply {
	return mapOf(
		bulkString("count"), integer(e.count),
		bulkString("reason"), bulkString(denialWords[e.reason].log),
		bulkString("context"), bulkString(e.context),
		bulkString("object"), bulkString(e.object),
		bulkString("username"), bulkString(e.user),
		bulkString("age-seconds"), double(float64(max(now-e.updatedMillis, 0))/1000),
		bulkString("client-info"), bulkString(e.client),
		bulkString("entry-id"), integer(e.id),
		bulkString("timestamp-created"), integer(e.createdMillis),
		bulkString("timestamp-last-updated"), integer(e.updatedMillis),
	)
}
