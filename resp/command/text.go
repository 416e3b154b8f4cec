package command

import (
	"diskette/resp/wire"
	"diskette/store"
)

// longText marks a key of which, if it is a long string that is on disk, the command uses the part that it needs: see
// store/text.go. In MULTI and in scripts all of it is in memory when the command runs.
func longText(specs []KeySpec) []KeySpec { return AtFirst(store.NeedSmall, specs) }

// onDisk answers with the bytes from .. to-1 of a text that is on disk.
func (c *Call) onDisk(t store.Text, from, to int) Reply {
	if c.MayLeaveLock && t.InPassage(to-from) {
		c.Passage = t.Passage(from, to)
		return Reply{Kind: KindPassage, N: int64(to - from)}
	}
	if to-from < wire.LentBytes {
		part, ok := t.Part(from, to, c.MayLoad)
		if !ok {
			return ReplyLoad
		}
		return Bulk(part)
	}
	part, ok := t.LendPart(from, to, c.MayLoad)
	if !ok {
		return ReplyLoad
	}
	return lent(part)
}
