package main

import (
	"bufio"
	"context"
	"net"
	"strings"
	"sync/atomic"
	"testing"
)

func TestAZipfChoiceFollowsItsWeights(t *testing.T) {
	z := newZipf(100, 1)
	if got := z[1] - z[0]; got != 0.5 {
		t.Errorf("the second weighs %v of the first", got)
	}
	c := newMixClient(nil, 1, 200_000)
	counts := map[int32]int{}
	for _, k := range c.keys {
		if k < 0 || k >= fewKeys {
			t.Fatalf("key %d is none of the %d", k, fewKeys)
		}
		counts[k]++
	}
	first, second := counts[int32(spread(0, fewKeys))], counts[int32(spread(1, fewKeys))]
	if first < second*3/2 || first < 200_000/25 {
		t.Errorf("the first key is used %d times of 200,000 and the second %d", first, second)
	}
}

func TestMixedValuesHaveAllSizes(t *testing.T) {
	octaves := map[int]int{}
	for i := range 10_000 {
		n := mixSize(i)
		if n < mixSmallest || n > len(mixValue) {
			t.Fatalf("key %d has %d bytes", i, n)
		}
		for o := 0; o < mixOctaves; o++ {
			if n >= mixSmallest<<o && n < mixSmallest<<(o+1) {
				octaves[o]++
			}
		}
	}
	for o := range mixOctaves {
		if octaves[o] < 10_000/mixOctaves*3/4 {
			t.Errorf("of 10,000 values %v are in the octaves", octaves)
		}
	}
}

func TestAMixIsTenGETsForASET(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var sets, gets, bytes atomic.Int64
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				r := bufio.NewReader(c)
				for {
					head, err := r.ReadString('\n')
					if err != nil {
						return
					}
					lines, reply := 4, "$3\r\nabc\r\n"
					if head == "*3\r\n" {
						lines, reply = 6, "+OK\r\n"
						sets.Add(1)
					} else {
						gets.Add(1)
					}
					for range lines {
						line, err := r.ReadString('\n')
						if err != nil {
							return
						}
						bytes.Add(int64(len(line)))
					}
					if _, err := c.Write([]byte(reply)); err != nil {
						return
					}
				}
			}()
		}
	}()
	s := &server{label: "fake", port: listener.Addr().(*net.TCPAddr).Port, dir: t.TempDir()}
	got, err := mixed(t.Context(), s, load{mix: true, connections: 7, requests: 7 * 110})
	if err != nil || sets.Load() != 70 || gets.Load() != 700 {
		t.Errorf("%d SETs and %d GETs, %v; want 70 and 700", sets.Load(), gets.Load(), err)
	}
	if got.OpsPerSecond <= 0 || got.P99Millis < got.P50Millis || got.P50Millis <= 0 {
		t.Errorf("the sample is %+v", got)
	}

	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := mixed(gone, s, load{mix: true, connections: 2, requests: 100}); err == nil || !strings.Contains(err.Error(), "fake") {
		t.Errorf("a mix that was stopped gives %v", err)
	}
}
