package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"sort"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// The mixes are what caches get: ten GETs for a SET, some keys far more often than others, values of all sizes. The
// load comes from a client of this program's own, for redis-benchmark sends one command and all keys alike.

const (
	getsPerSet   = 10
	zipfExponent = 0.99 // YCSB's
	mixSmallest  = 32   // bytes of a value; each octave from here on has as many keys as another
	mixOctaves   = 7    // so the largest have 4 KB
)

// mixes is their group. Its keys are stored by prepare, since each has a size of its own.
func mixes() group {
	g := group{name: "mixes", appendfsync: "everysec", prepare: storeMix}
	for _, connections := range []int{50, 500} {
		g.add(fmt.Sprint("mix-", connections), fmt.Sprintf("1:10 SET:GET, Zipf, 32 B to 4 KB, %d connections", connections),
			load{mix: true, connections: connections, pipeline: 1, requests: 300_000}, fifty)
	}
	return g
}

func mixKey(i int) string { return fmt.Sprintf("mix:%012d", i) }

// mixSize is the length of a key's value. It does not depend on how often the key is used.
func mixSize(i int) int {
	u := float64(uint32(i)*2654435761) / (1 << 32) // Knuth's multiplicative hash
	return int(mixSmallest * math.Exp2(mixOctaves*u))
}

func storeMix(ctx context.Context, s *server) error {
	c, err := s.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := sendAll(ctx, c, fewKeys, func(i int) error { return c.Send("SET", mixKey(i), value(i, mixSize(i))) }); err != nil {
		return fmt.Errorf("prepare %s: %w", s.label, err)
	}
	return s.rest(ctx, true)
}

// zipf is a choice of 0..n-1 in which the i-th has a weight of 1/(i+1)^exponent: the running sums of the weights.
type zipf []float64

func newZipf(n int, exponent float64) zipf {
	z, sum := make(zipf, n), 0.0
	for i := range z {
		sum += math.Pow(float64(i+1), -exponent)
		z[i] = sum
	}
	return z
}

func (z zipf) next(r *rand.Rand) int {
	return min(sort.SearchFloat64s(z, r.Float64()*z[len(z)-1]), len(z)-1)
}

var mixChoice = sync.OnceValue(func() zipf { return newZipf(fewKeys, zipfExponent) })

// mixed runs a mix against s. Both servers get the same requests.
func mixed(ctx context.Context, s *server, l load) (sample, error) {
	each := max(1, l.requests/l.connections)
	clients := make([]*mixClient, l.connections)
	defer func() {
		for _, c := range clients {
			if c != nil {
				c.conn.Close()
			}
		}
	}()
	for i := range clients {
		conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)), 10*time.Second)
		if err != nil {
			return sample{}, err
		}
		clients[i] = newMixClient(conn, i, each)
	}
	stop := context.AfterFunc(ctx, func() {
		for _, c := range clients {
			_ = c.conn.SetDeadline(time.Now()) // its next call fails
		}
	})
	defer stop()
	var running sync.WaitGroup
	before, began := ownCPU(), time.Now()
	for _, c := range clients {
		running.Go(c.run)
	}
	running.Wait()
	took, used := time.Since(began), ownCPU()-before
	var waits []time.Duration
	var failures []error
	for _, c := range clients {
		waits = append(waits, c.waits...)
		failures = append(failures, c.err)
	}
	if err := errors.Join(failures...); err != nil {
		return sample{}, fmt.Errorf("the mix against %s: %w\n%s", s.label, err, s.logTail())
	}
	slices.Sort(waits)
	return sample{
		OpsPerSecond:  float64(len(waits)) / took.Seconds(),
		P50Millis:     millis(waits[len(waits)/2]),
		P99Millis:     millis(waits[len(waits)*99/100]),
		LoaderCPUFrac: used.Seconds() / took.Seconds(),
	}, nil
}

// A mixClient sends its requests one after the other.
type mixClient struct {
	conn  net.Conn
	raw   *rawClient
	keys  []int32 // in the order of use; every eleventh is a SET
	waits []time.Duration
	err   error
}

func newMixClient(conn net.Conn, seed, requests int) *mixClient {
	c := &mixClient{conn: conn, raw: &rawClient{conn, bufio.NewReaderSize(conn, 8<<10)}, waits: make([]time.Duration, 0, requests)}
	choice, r := mixChoice(), rand.New(rand.NewPCG(uint64(seed), 17))
	for range requests {
		c.keys = append(c.keys, int32(spread(choice.next(r), fewKeys))) // those used often are no neighbours
	}
	return c
}

// mixValue is what values are cut from.
var mixValue = value(1, mixSmallest<<mixOctaves)

func (c *mixClient) run() {
	var out []byte
	for i, k := range c.keys {
		key := int(k)
		if out = out[:0]; i%(getsPerSet+1) == 0 {
			size := mixSize(key)
			out = fmt.Appendf(out, "*3\r\n$3\r\nSET\r\n$16\r\n%s\r\n$%d\r\n", mixKey(key), size)
			out = append(append(out, mixValue[:size]...), "\r\n"...)
		} else {
			out = fmt.Appendf(out, "*2\r\n$3\r\nGET\r\n$16\r\n%s\r\n", mixKey(key))
		}
		began := time.Now()
		if _, c.err = c.conn.Write(out); c.err != nil {
			return
		}
		if c.err = c.raw.skip(); c.err != nil {
			return
		}
		c.waits = append(c.waits, time.Since(began))
	}
}

// ownCPU is this process's CPU time, without children.
func ownCPU() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
