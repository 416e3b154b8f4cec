package cli

import (
	"fmt"
	"slices"
	"strconv"
)

// mostHotKeys is how many of the hottest keys --hotkeys keeps.
const mostHotKeys = 16

type hotKey struct {
	counter int64
	name    []byte // quoted
}

// hotKeys looks at all keys and names those with the highest LFU counters.
func (s *session) hotKeys() error {
	keys, err := s.countKeys("hot")
	if err != nil {
		return err
	}
	w := &keyWalk{session: s, keys: keys}
	var hottest []hotKey // the coolest first
	err = s.eachScan(func(found []reply) error {
		var commands [][]string
		for _, key := range found {
			commands = append(commands, []string{"OBJECT", "FREQ", string(key.text)})
		}
		replies, err := s.askAll(commands)
		if err != nil {
			return err
		}
		done := w.percent()
		for i, r := range replies {
			w.next(done)
			var counter int64
			switch r.kind {
			case '-':
				return errSaid("Error: " + string(r.text))
			case ':':
				counter, _ = strconv.ParseInt(string(r.text), 10, 64)
			default:
				fmt.Fprintf(s.err, "Warning: OBJECT freq on '%s' failed (may have been deleted)\n", appendQuoted(nil, found[i].text))
			}
			at := 0
			for at < len(hottest) && counter > hottest[at].counter {
				at++
			}
			if counter == 0 || at == 0 && len(hottest) == mostHotKeys {
				continue
			}
			key := hotKey{counter, appendQuoted(nil, found[i].text)}
			hottest = slices.Insert(hottest, at, key)
			if len(hottest) > mostHotKeys {
				hottest = hottest[1:]
			}
			fmt.Fprintf(s.out, "[%05.2f%%] Hot key '%s' found so far with counter %d\n", done, key.name, counter)
		}
		return nil
	}, w.rest)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "\n-------- summary -------\n\nSampled %d keys in the keyspace!\n", w.sampled)
	for _, key := range slices.Backward(hottest) {
		fmt.Fprintf(s.out, "hot key found with counter: %d\tkeyname: %s\n", key.counter, key.name)
	}
	return nil
}
