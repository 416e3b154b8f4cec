package cli

import (
	"fmt"
	"strconv"
	"time"
)

// A keyType is what --bigkeys knows of the keys of one type.
type keyType struct {
	name    string
	command []string // asks for a key's size, nil = there is no size
	unit    string

	keys, total, biggest int64
	biggestKey           []byte
}

func keyTypes() []*keyType {
	return []*keyType{
		{name: "string", command: []string{"STRLEN"}, unit: "bytes"},
		{name: "list", command: []string{"LLEN"}, unit: "items"},
		{name: "set", command: []string{"SCARD"}, unit: "members"},
		{name: "hash", command: []string{"HLEN"}, unit: "fields"},
		{name: "zset", command: []string{"ZCARD"}, unit: "members"},
		{name: "stream", command: []string{"XLEN"}, unit: "entries"},
	}
}

func (s *session) bigKeys() error { return s.findBigKeys(nil, nil) }

// memoryKeys is bigKeys by what MEMORY USAGE says.
func (s *session) memoryKeys() error {
	var samples []string
	if s.memorySamples != 0 {
		samples = []string{"SAMPLES", strconv.Itoa(s.memorySamples)}
	}
	return s.findBigKeys([]string{"MEMORY", "USAGE"}, samples)
}

// findBigKeys looks at all keys and names the biggest of each type. size and options stand before and behind the key
// in the command that asks for its size in bytes; without size the type's own command does.
func (s *session) findBigKeys(size, options []string) error {
	keys, err := s.countKeys("biggest")
	if err != nil {
		return err
	}
	w := &keyWalk{session: s, keys: keys}
	types := keyTypes()
	if size != nil {
		for _, t := range types {
			t.command, t.unit = size, "bytes"
		}
	}
	var nameBytes int64
	err = s.eachScan(func(found []reply) error {
		of, err := s.askTypes(found, &types, size != nil)
		if err != nil {
			return err
		}
		sizes, err := s.askSizes(found, of, options)
		if err != nil {
			return err
		}
		done := w.percent()
		for i, key := range found {
			t := of[i]
			if t == nil { // it is gone
				continue
			}
			t.keys++
			t.total += sizes[i]
			nameBytes += int64(len(key.text))
			if sizes[i] > t.biggest {
				t.biggest, t.biggestKey = sizes[i], appendQuoted(nil, key.text)
				fmt.Fprintf(s.out, "[%05.2f%%] Biggest %-6s found so far '%s' with %d %s\n", done, t.name, t.biggestKey, t.biggest, t.unit)
			}
			w.next(done)
		}
		return nil
	}, w.rest)
	if err != nil {
		return err
	}
	s.printBigKeys(types, w.sampled, nameBytes)
	return nil
}

func (s *session) printBigKeys(types []*keyType, sampled, nameBytes int64) {
	mean := func(sum, n int64) float64 {
		if n == 0 {
			return 0
		}
		return float64(sum) / float64(n)
	}
	fmt.Fprintf(s.out, "\n-------- summary -------\n\nSampled %d keys in the keyspace!\n", sampled)
	fmt.Fprintf(s.out, "Total key length in bytes is %d (avg len %.2f)\n\n", nameBytes, mean(nameBytes, sampled))
	for _, t := range types {
		if t.biggestKey != nil {
			fmt.Fprintf(s.out, "Biggest %6s found '%s' has %d %s\n", t.name, t.biggestKey, t.biggest, t.unit)
		}
	}
	fmt.Fprintln(s.out)
	for _, t := range types {
		fmt.Fprintf(s.out, "%d %ss with %d %s (%05.2f%% of keys, avg size %.2f)\n",
			t.keys, t.name, t.total, t.unit, 100*mean(t.keys, sampled), mean(t.total, t.keys))
	}
}

// askTypes returns the types of keys, nil for one that is gone. A type that is not known yet joins types.
func (s *session) askTypes(keys []reply, types *[]*keyType, memory bool) ([]*keyType, error) {
	var commands [][]string
	for _, key := range keys {
		commands = append(commands, []string{"TYPE", string(key.text)})
	}
	replies, err := s.askAll(commands)
	if err != nil {
		return nil, err
	}
	var of []*keyType
	for i, r := range replies {
		switch {
		case r.kind == '-':
			return nil, errSaid("TYPE returned an error: " + string(r.text))
		case r.kind != '+':
			return nil, errSaid(fmt.Sprintf("Invalid reply type for TYPE on key '%s'!", keys[i].text))
		}
		of = append(of, s.typeNamed(string(r.text), types, memory))
	}
	return of, nil
}

func (s *session) typeNamed(name string, types *[]*keyType, memory bool) *keyType {
	if name == "none" {
		return nil
	}
	for _, t := range *types {
		if t.name == name {
			return t
		}
	}
	t := &keyType{name: name, unit: "?"}
	if memory {
		t.command, t.unit = (*types)[0].command, "bytes"
	}
	*types = append(*types, t)
	return t
}

// askSizes returns the keys' sizes, 0 for one that is gone or has none.
func (s *session) askSizes(keys []reply, of []*keyType, options []string) ([]int64, error) {
	var commands [][]string
	var asked []int
	for i, key := range keys {
		if of[i] != nil && of[i].command != nil {
			command := append([]string(nil), of[i].command...)
			commands = append(commands, append(append(command, string(key.text)), options...))
			asked = append(asked, i)
		}
	}
	replies, err := s.askAll(commands)
	if err != nil {
		return nil, err
	}
	sizes := make([]int64, len(keys))
	for n, r := range replies {
		i := asked[n]
		if r.kind != ':' {
			fmt.Fprintf(s.err, "Warning:  %s on '%s' failed (may have changed type)\n", of[i].command[0], keys[i].text)
			continue
		}
		sizes[i], _ = strconv.ParseInt(string(r.text), 10, 64)
	}
	return sizes, nil
}

// countKeys asks for the number of keys and says what is to come.
func (s *session) countKeys(what string) (int64, error) {
	r, err := s.ask([]string{"DBSIZE"})
	switch {
	case err != nil:
		return 0, err
	case r.kind == '-':
		return 0, errSaid("Couldn't determine DBSIZE: " + string(r.text))
	case r.kind != ':':
		return 0, errSaid("Non INTEGER response from DBSIZE!")
	}
	fmt.Fprintf(s.out, "\n# Scanning the entire keyspace to find %s keys as well as\n", what)
	fmt.Fprint(s.out, "# average sizes per key type.  You can use -i 0.1 to sleep 0.1 sec\n")
	fmt.Fprint(s.out, "# per 100 SCAN commands (not usually needed).\n\n")
	keys, _ := strconv.ParseInt(string(r.text), 10, 64)
	return keys, nil
}

// A keyWalk is how far a look at all keys has come.
type keyWalk struct {
	*session
	keys, sampled int64
	scans         int
}

func (w *keyWalk) percent() float64 {
	if w.keys == 0 {
		return 0
	}
	return 100 * float64(w.sampled) / float64(w.keys)
}

// next counts a key, and reports each million of them.
func (w *keyWalk) next(done float64) {
	if w.sampled++; w.sampled%1_000_000 == 0 {
		fmt.Fprintf(w.out, "[%05.2f%%] Sampled %d keys so far\n", done, w.sampled)
	}
}

// rest waits for the interval after 100 calls of SCAN.
func (w *keyWalk) rest() {
	if w.scans++; w.scans%100 == 0 {
		time.Sleep(w.interval)
	}
}
