package order

// returns knows which share of the keys that come to be was evicted not long ago. With it goes what a key that nobody
// knows is worth beside one that has not been used for a while. Of 100 births so many are returns, measured in traces
// of 10 to 40 requests a key that is there:
//
//	Zipf that becomes others all at once           0 to 36
//	Zipf, with scans between or without            7 to 55
//	the same keys in turn, more than are there    85 to 99
//
// Who comes new for the most part may be the first of many: the keys that nobody has asked for of late make way. Where
// the same come again and again, what is there is as good, and in a loop better: each key that stays hits once in each
// turn, and each that goes for another misses. But when the loop is over, its keys must not stay for ever: what is
// asked for instead comes and goes, so that all births are returns then, too. That hardly any key is used tells it.
//
// It is about a sample of the names, by their hashes: those of leastSample to twice as many of the keys that are there.
type returns struct {
	slots []uint16 // of the hashes of names that went; 0 = none
	share float64
}

const (
	leastSample  = 256
	returnsSlots = 16 * leastSample
	returnsMean  = 128 // births of the sample: so fast the share follows

	aSet   = 0.3 // from this share on, LFU wants better of a new key
	better = 4   // eighths of an octave
	aLoop  = 0.7 // from this share on it depends on the share of main keys that were not used for so long:

	longestTurn = 4     // times as many births and uses as there are keys
	inTurn      = 0.125 // up to this share no new key stays for which another would have to go
	over        = 0.25  // above this share each does
)

// slot is where a name's hash stands and what stands there, nil if it is not in the sample.
func (r *returns) slot(hash uint64, keys int64) (at *uint16, tag uint16) {
	hash = mix(hash)
	for ; keys > 2*leastSample; keys /= 2 {
		if hash&1 != 0 {
			return nil, 0
		}
		hash >>= 1
	}
	if r.slots == nil {
		r.slots = make([]uint16, returnsSlots)
	}
	return &r.slots[hash%returnsSlots], uint16(hash>>16) | 1
}

// went notes that a key by a name of this hash goes; keys are how many there are.
func (r *returns) went(hash uint64, keys int64) {
	if at, tag := r.slot(hash, keys); at != nil {
		*at = tag
	}
}

// came notes that one comes to be.
func (r *returns) came(hash uint64, keys int64) {
	at, tag := r.slot(hash, keys)
	if at == nil {
		return
	}
	again := 0.0
	if *at == tag {
		*at, again = 0, 1
	}
	r.share += (again - r.share) / returnsMean
}
