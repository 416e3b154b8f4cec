package acl

import (
	"strings"
	"sync"
	"sync/atomic"

	"diskette/resp/command"
)

// Denials is ACL LOG's entries and INFO's counts.
type Denials struct {
	Counts [DenialReasons]atomic.Int64

	Mu struct {
		sync.Mutex
		entries []*DenialEntry // the newest first
		lastID  int64
	}
}

// A DenialEntry stands for the same thing denied to the same user again and again, if no minute lies between.
type DenialEntry struct {
	id            int64
	count         int64
	reason        DenialReason
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

// NoteDenial counts a denial at now and logs it, client being its client's line and most how many entries are kept.
func (s *Users) NoteDenial(now int64, reason DenialReason, context, object, user, client string, most int64) {
	e := &DenialEntry{count: 1, reason: reason, context: context, object: strings.Clone(object), user: user,
		createdMillis: now, updatedMillis: now, client: client}
	d := &s.Denials
	d.Counts[reason].Add(1)
	d.Mu.Lock()
	defer d.Mu.Unlock()
	entries := d.Mu.entries
	for i, same := range entries[:min(len(entries), sameDenialScan)] {
		if same.reason == reason && same.context == context && same.object == object && same.user == user &&
			now-same.updatedMillis <= sameDenialMillis {
			copy(entries[1:i+1], entries[:i])
			entries[0] = same
			same.count, same.updatedMillis, same.client = same.count+1, now, e.client
			return
		}
	}
	e.id = d.Mu.lastID
	d.Mu.lastID++
	d.Mu.entries = append([]*DenialEntry{e}, entries...)
	d.TrimLocked(most)
}

// TrimLocked forgets the oldest entries. The caller holds d.mu.
func (d *Denials) TrimLocked(most int64) {
	if n := min(int64(len(d.Mu.entries)), most); n < int64(len(d.Mu.entries)) {
		clear(d.Mu.entries[n:])
		d.Mu.entries = d.Mu.entries[:n]
	}
}

// Newest are copies of up to count entries.
func (d *Denials) Newest(count int64) (entries []DenialEntry) {
	d.Mu.Lock()
	defer d.Mu.Unlock()
	for _, e := range d.Mu.entries[:max(min(count, int64(len(d.Mu.entries))), 0)] {
		entries = append(entries, *e)
	}
	return entries
}

// Reset forgets all entries.
func (d *Denials) Reset() {
	d.Mu.Lock()
	d.Mu.entries = nil
	d.Mu.Unlock()
}

// Reply is the entry as ACL LOG shows it.
func (e *DenialEntry) Reply(now int64) command.Reply {
	return command.MapOf(
		command.BulkString("count"), command.Integer(e.count),
		command.BulkString("reason"), command.BulkString(DenialWords[e.reason].log),
		command.BulkString("context"), command.BulkString(e.context),
		command.BulkString("object"), command.BulkString(e.object),
		command.BulkString("username"), command.BulkString(e.user),
		command.BulkString("age-seconds"), command.Double(float64(max(now-e.updatedMillis, 0))/1000),
		command.BulkString("client-info"), command.BulkString(e.client),
		command.BulkString("entry-id"), command.Integer(e.id),
		command.BulkString("timestamp-created"), command.Integer(e.createdMillis),
		command.BulkString("timestamp-last-updated"), command.Integer(e.updatedMillis),
	)
}
