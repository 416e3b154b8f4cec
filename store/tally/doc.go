// Package tally is what a cache's statistics are made of: how much happens to which names, and which names take the
// room. It knows names, ids and sizes; no values, no disk, no lock.
//
// Its invariant: it is bounded, whatever names there are, and what it says of all names together is exact. What it says
// of a prefix is exact while there is little to count, and an estimate without bias beyond.
//
//	prefix.go   what of a name counts              clock.go    which events are looked at
//	flows.go    what has happened: counts          top.go      the prefixes to which most has happened
//	census.go   what is there: keys and bytes      encode.go   both in bytes, to be kept over a restart
//
// # Flows
//
// Hits, misses, sets, deletes, evictions and expiries of a database are counted one by one. A prefix's are counted of
// the events that a Clock picks: all of them while there are fewer than 500 a second, then one in 256 on
// average, at random distances. Such an event counts for the distance since the one before it, so that the prefixes'
// sum is the database's. A prefix with n events beyond the 500 is off by sqrt(341/n) of them, as a standard deviation:
// 18 % of 10,000, 2 % of a million. It costs a GET a decrement and a comparison.
//
// The prefixes are the counters of a Space-Saving summary (Metwally, Agrawal, El Abbadi, ICDT '05): one that is not
// there takes the place of the one with the fewest events, and what that had is the most that it may have missed.
//
// # The census
//
// A sample of the keys, with their sizes, by id: an id is a key's from birth to death, whatever its name becomes, and
// the same hash that lets a key in at its birth finds it at its death. Of up to 8,192 keys a database has, all are in
// the sample; beyond, every second, fourth and so on, so that between 4,096 and 8,192 are. Keys of 64 KiB or more are
// in it the more probably the larger they are, since a few may be most of the bytes. Each stands for as many as its
// probability says (Horvitz and Thompson). A prefix with a share p of the keys is off by sqrt((1-p)/p/4096) of it at
// most: 5 % of a tenth of them, 16 % of a hundredth.
//
// # What lost
//
// A Count-Min sketch needs the names from elsewhere, and is off by a share of all. Sampling uses by the key's id, as
// the census does, would cost a GET no more, but a prefix of which one key gets all hits is then either missed or
// counted so many times. A counter in each key costs 8 bytes a key and a walk over all to add them up. To sample names
// by a second hash of them costs SET 5 to 20 ns, ids 2. The sampled keys alone, without the sizes in their
// probability, see one key in 2^k: a database in which a single sorted set has half the bytes then shows nothing of it,
// or 2^k times that.
package tally
