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
//	ghosts.go  keys that went and come back
//
// # What goes
//
// Under LRU and LFU a key is worth its uses for the root of its bytes. Uses halve every eight times as many births and
// uses as there are keys (LRU: four), and more than eight count for no more. The youngest ids, a fiftieth of the bytes
// (LRU: a twentieth), are left alone; what leaves this window goes unless it is worth more than the lowest 32nd of the
// older ones, under LFU by half an octave; a hand takes one of these where it does not. So new keys that nobody asks
// for again go together, from neighbouring pages. Under LRS and LRM the age counts alone.
//
// Hits in percent of all requests, from go run ./compat_test/bench/hitratio -simulate -keys 5000 (a tenth of the keys
// in memory; the optimum with sizes is an upper estimate). Sizes are from 100 bytes to 100 KB:
//
//	                             Redis  Redis                  W-Tiny   this   this
//	                        LRU    LRU    LFU  SIEVE  S3-FIFO     LFU    LRU    LFU  optimum
//	Zipf 0.8, 5 % new      42.8   42.6   49.4   50.2     51.6    52.6   50.1   51.9     65.0
//	Zipf 1.0               67.1   66.9   71.7   71.9     72.8    73.2   71.6   73.1     80.0
//	Zipf 1.2               84.3   84.2   85.8   85.9     86.4    86.0   86.1   86.4     89.1
//	loop of 1.2 caches      0.0   20.3   72.7    0.0     66.3    79.2   75.3   80.3     83.3
//	loop of 2.0 caches      0.0    0.3   37.6    0.0     33.0    49.5   45.0   47.7     50.0
//	Zipf 1.0 with scans    46.0   45.6   51.4   51.4     52.2    53.2   50.5   52.4     63.8
//	Zipf 1.0 that moves    69.9   69.7   63.5   61.0     67.2    63.2   67.7   63.5     74.7
//	Zipf 0.8, sizes        42.9   42.7   49.7   50.3     51.5    50.6   67.5   68.1     76.9
//	Zipf 1.0, sizes        67.1   67.0   71.7   72.0     72.9    72.0   79.2   79.5     83.6
//	Zipf 1.2, sizes        84.3   84.2   85.7   85.9     86.4    85.9   88.0   88.0     89.1
//	loop of 1.2, sizes      0.0   20.2   72.0    0.0     64.8     0.0   95.8   96.5     97.8
//	loop of 2.0, sizes      0.0    0.2   37.5    0.0      0.0     0.0   86.7   88.9     90.6
//	scans, sizes           45.9   45.4   51.4   51.4     52.2    51.2   66.3   67.8     75.6
//	moves, sizes           69.9   69.7   63.3   61.4     67.2    64.8   70.5   68.0     74.7
//
// One ghost a key is what tells a key that comes back from one that is new: with one for four keys there are 1.1 points
// less of Zipf 0.8 and 1.0 under LFU, 1.8 of one that moves, and 29 of a loop of two caches under LRU, which has 2 more
// of one of 1.2. With ten times the keys, for which there are fewer, 0.7 and 0.4 of Zipf and 26 of the longer loop, and
// 0.7 more of the shorter. LFU has four ghosts a key where keys are few (ghosts.go): so it is in the table, and these
// figures are of one.
//
// S3-FIFO and W-TinyLFU, which are a little better where all sizes are equal, need queues, 8 bytes a key and more, and
// the latter a sketch that each read writes to. Where all keys become others at once plain LRU adapts sooner: LRU here
// halves the uses twice as fast as LFU for it, which costs it about a point of Zipf and much of a long loop. Without
// the root of the bytes the traces with sizes are about as those without.
package order
