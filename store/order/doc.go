// Package order says which key goes when the disk that a cache may take is full. It knows ids, sizes and uses; no names
// but their hashes, no values, no disk, no lock.
//
// Its invariant: what it says is about keys that are there, and each that is there comes to be said. An Order is one
// space's: its owner tells it of births, deaths and uses, asks it for candidates (Next), and whether one that is in
// memory is to go after all (Judge). It costs a read of a key nothing: memory counts the uses of the keys that it has,
// and tells of them when it lets one go, and when it is asked.
//
//	order.go   an Order and its sums          block.go state.go   keys by id, in 2 to 4 bytes each
//	hand.go    which keys may go              use.go              uses, and how they age
//	ghosts.go  keys that went and come back          returns.go  how many do, and what follows for new keys
//
// # What goes
//
// Under LRU and LFU a key is worth its uses for the root of its bytes. Uses halve every eight times as many births and
// uses as there are keys (LRU: four), and more than eight count for no more. The youngest ids, a fiftieth of the bytes
// (LRU: a twentieth), are left alone; what leaves this window goes unless it is worth more than the lowest 32nd of the
// older ones; a hand takes one of these where it does not. So new keys that nobody asks for again go together, from
// neighbouring pages. How much more it has to be worth follows from how many of the births are returns (returns.go): in
// a loop no new key stays, so that those that are there hit once in each turn. Under LRS and LRM the age counts alone.
//
// Hits in percent of all requests, from go run ./compat_test/bench/hitratio -simulate -keys 5000 (a tenth of the keys
// in memory; the optimum with sizes is an upper estimate). Sizes are from 100 bytes to 100 KB:
//
//	                             Redis  Redis                  W-Tiny   this   this
//	                        LRU    LRU    LFU  SIEVE  S3-FIFO     LFU    LRU    LFU  optimum
//	Zipf 0.8, 5 % new      42.8   42.6   49.4   50.2     51.6    52.6   50.2   52.0     65.0
//	Zipf 1.0               67.1   66.9   71.7   71.9     72.8    73.2   71.7   73.1     80.0
//	Zipf 1.2               84.3   84.2   85.8   85.9     86.4    86.0   86.1   86.4     89.1
//	loop of 1.2 caches      0.0   20.3   72.7    0.0     66.3    79.2   77.8   80.3     83.3
//	loop of 2.0 caches      0.0    0.3   37.6    0.0     33.0    49.5   46.7   48.2     50.0
//	Zipf 1.0 with scans    46.0   45.6   51.4   51.4     52.2    53.2   50.6   52.4     63.8
//	Zipf 1.0 that moves    69.9   69.7   63.5   61.0     67.2    63.2   67.5   65.3     74.7
//	Zipf 0.8, sizes        42.9   42.7   49.7   50.3     51.5    50.6   67.7   68.3     76.9
//	Zipf 1.0, sizes        67.1   67.0   71.7   72.0     72.9    72.0   79.3   79.5     83.6
//	Zipf 1.2, sizes        84.3   84.2   85.7   85.9     86.4    85.9   88.0   88.1     89.1
//	loop of 1.2, sizes      0.0   20.2   72.0    0.0     64.8     0.0   96.2   96.5     97.8
//	loop of 2.0, sizes      0.0    0.2   37.5    0.0      0.0     0.0   88.2   88.7     90.6
//	scans, sizes           45.9   45.4   51.4   51.4     52.2    51.2   66.6   67.8     75.6
//	moves, sizes           69.9   69.7   63.3   61.4     67.2    64.8   70.5   69.3     74.7
//
// # What lost
//
// In a bound of 16 MB with values of 500 bytes, where Redis has 26,955 keys and the tables have some 21,500, with pages
// that are packed again as repack.go does (10 requests a key; a model of pages beside the simulation; percent). "Always
// better by" is a new key that has to be worth so many eighths of an octave more, whatever the returns are:
//
//	LFU                            Zipf 0.8  1.0  loop of 1.5  of 2.6  Zipf that moves
//	Redis, 26,955 keys                 47.2  71.4         69.0    24.7             64.1
//	who is named too many stays        46.1  70.7         56.7    19.5             63.0
//	always better by 0                 46.4  70.7         27.7     8.1             63.8
//	always better by 1                 46.4  70.7         45.8     5.7             63.5
//	always better by 4                 46.5  70.6         65.2    32.7             59.8
//	by the returns                     46.5  70.8         63.3    35.5             63.9
//	exact counts, the oldest goes      47.2  70.8            0       0             64.2
//	exact counts, the newest goes      47.2  70.8         65.5    34.3             59.0
//
// What is named beyond what has to go was a main key from then on, without being better than any, before NotNeeded: of
// what a loop evicted a quarter were main keys. Chance between keys of one use, as in Redis, leaves holes in all pages,
// and costs half a point of Zipf; an age that counts up to eight times as much from some epoch on costs up to two
// points of Zipf, or the longer loop. The exact counts, which are of all requests, have 21,500 keys without any page:
// they are behind Redis, too, at Zipf 1.0. What is missing there are bytes: it takes some 24,500 keys.
//
// One ghost a key is what tells a key that comes back from one that is new: with one for four keys there are 1.1 points
// less of Zipf 0.8 and 1.0 under LFU, and 1.8 of one that moves (this without returns.go). LFU has four ghosts a key
// where keys are few (ghosts.go): so it is in the table.
//
// S3-FIFO and W-TinyLFU, which are a little better where all sizes are equal, need queues, 8 bytes a key and more, and
// the latter a sketch that each read writes to. Where all keys become others at once plain LRU adapts sooner: LRU here
// halves the uses twice as fast as LFU for it, which costs it about a point of Zipf and much of a long loop. Without
// the root of the bytes the traces with sizes are about as those without.
package order
