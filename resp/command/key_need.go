package command

import (
	"strings"

	"diskette/store"
)

// Heads marks keys of which the command needs no more than the head (store/head.go).
func Heads(specs []KeySpec) []KeySpec { return needing(store.NeedHead, specs) }

// Mostly marks keys whose values are not always needed: the small ones are loaded at once, the
// others when they are asked for.
func Mostly(specs []KeySpec) []KeySpec { return needing(store.NeedSmall, specs) }

// Shapes marks keys of which the command needs no more than the length or the encoding (store/outline.go).
func Shapes(specs []KeySpec) []KeySpec { return needing(store.NeedShape, specs) }

// Lengths marks keys of which the command needs no more than the number of elements.
func Lengths(specs []KeySpec) []KeySpec { return needing(store.NeedLength, specs) }

func needing(need store.Need, specs []KeySpec) []KeySpec {
	for i := range specs {
		specs[i].need = need
	}
	return specs
}

// AtFirst marks keys of which the command needs no more than this at first: it asks for the
// rest when it turns out so. Where it can not, in MULTI and in scripts, all is loaded at once.
func AtFirst(need store.Need, specs []KeySpec) []KeySpec {
	for i := range specs {
		specs[i].enough = need
	}
	return specs
}

// Named marks a key of whose elements the command needs those alone that stand at these places, up to the last one
// or, if that is negative, to the end (store/paged.go). Its function looks it up as a part (values.go).
func Named(specs []KeySpec, first, step, last int) []KeySpec {
	return namedBy(specs, func(args [][]byte) store.Names {
		if last < 0 {
			return store.Names{Args: args, First: first, Step: step, Last: len(args) - 1}
		}
		return store.Names{Args: args, First: first, Step: step, Last: last}
	})
}

func namedBy(specs []KeySpec, named func(args [][]byte) store.Names) []KeySpec {
	specs[0].named = named
	return specs
}

// names are the elements that the call is about.
func (c *Call) names() store.Names { return c.Row.Keys[0].named(c.Args) }

// listEnd is where a command works on a list, and how many elements it removes there.
type listEnd struct {
	end  store.End
	pops func(args [][]byte) int
}

// atEnd marks a list of which the command needs an end alone (store/paged_list.go). pops = nil: it only adds.
func atEnd(specs []KeySpec, end store.End, pops func(args [][]byte) int) []KeySpec {
	if pops == nil {
		pops = func([][]byte) int { return 0 }
	}
	specs[0].end = &listEnd{end, pops}
	return specs
}

// asksForEntries marks streams of which the command needs no more than the head, the groups, the first entry and the
// last, until it asks for others (Call.hasEntries). It looks them up as parts.
func asksForEntries(specs []KeySpec) []KeySpec {
	for i := range specs {
		specs[i].entries = true
	}
	return specs
}

// hasEntries reports whether these entries of a stream that was looked up as a part are in memory. If not, the command
// answers ReplyLoad before it has changed anything.
func (c *Call) hasEntries(v *store.View, s *store.Stream, ranges ...store.EntryRange) bool {
	if c.MayLoad {
		return v.WantEntries(s, ranges...)
	}
	v.LoadEntries(s, ranges...)
	return true
}

// Needed is what has to be in memory of these keys before the command runs: what the row says,
// or the head, if the value is overwritten or deleted as it is.
func (s *KeySpec) Needed(args [][]byte, first bool) store.Need {
	switch {
	case s.Vary != nil && unread(s.Vary(args)):
		return store.NeedHead
	case first:
		return max(s.need, s.enough)
	}
	return s.need
}

func unread(access string) bool {
	return strings.HasPrefix(access, "OW") || strings.HasPrefix(access, "RM")
}

// noteHeads finds the keys that are overwritten or deleted unread.
func (r *Row) noteHeads() {
	for i := range r.Keys {
		s := &r.Keys[i]
		if unread(s.Access) {
			s.need = store.NeedHead
		}
	}
}

// Want asks for what is needed of the key at place i: see store.View.Want.
func (s *KeySpec) Want(v *store.View, args [][]byte, i int, first bool) bool {
	if s.named != nil {
		return v.WantElements(args[i], s.named(args))
	}
	if s.end != nil {
		return v.WantEnd(args[i], s.end.end, s.end.pops(args))
	}
	if s.entries {
		return v.WantStream(args[i])
	}
	return v.Want(args[i], s.Needed(args, first))
}

// WantAlso is Want for a command that another one makes: see store.View.WantAlso.
func (s *KeySpec) WantAlso(v *store.View, args [][]byte, i int) bool {
	if s.named != nil {
		return v.WantAlsoElements(args[i], s.named(args))
	}
	if s.end != nil {
		return v.WantAlsoEnd(args[i], s.end.end, s.end.pops(args))
	}
	if s.entries {
		return v.WantAlsoStream(args[i])
	}
	return v.WantAlso(args[i], s.Needed(args, false))
}

// Has reports whether WantAlso would find it.
func (s *KeySpec) Has(v *store.View, args [][]byte, i int) bool {
	if s.named != nil {
		return v.HasElements(args[i], s.named(args))
	}
	if s.end != nil {
		return v.HasEnd(args[i], s.end.end, s.end.pops(args))
	}
	if s.entries {
		return v.HasStream(args[i])
	}
	return v.Has(args[i], s.Needed(args, false))
}
