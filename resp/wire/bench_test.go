package wire

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"

	"github.com/tidwall/redcon"
)

// repeater is a client that sends the same bytes for ever, one pipeline a read.
type repeater struct {
	net.Conn
	pipeline []byte
}

func (r repeater) Read(p []byte) (int, error) { return copy(p, r.pipeline), nil }

func pipelineOfSets(commands int) []byte {
	var b bytes.Buffer
	for i := range commands {
		fmt.Fprintf(&b, "*3\r\n$3\r\nSET\r\n$7\r\nkey:%03d\r\n$100\r\n%s\r\n", i, strings.Repeat("v", 100))
	}
	return b.Bytes()
}

// BenchmarkParse is where the figures in guard's comment come from. One operation is
// one pipeline.
func BenchmarkParse(b *testing.B) {
	for _, commands := range []int{1, 16} {
		client := repeater{pipeline: pipelineOfSets(commands)}
		b.Run(fmt.Sprintf("guard/pipeline=%d", commands), func(b *testing.B) {
			b.ReportAllocs()
			g := NewGuard(client, new(Limits))
			g.Authed.Store(true)
			for b.Loop() {
				if batch, err := g.ReadBatch(1024); err != nil || len(batch) != commands {
					b.Fatal(len(batch), err)
				}
			}
		})
		b.Run(fmt.Sprintf("redcon/pipeline=%d", commands), func(b *testing.B) {
			b.ReportAllocs()
			r := redcon.NewReader(client)
			for b.Loop() {
				for n := 0; n < commands; { // redcon's buffer cuts some pipelines in two
					batch, err := r.ReadCommands()
					if err != nil {
						b.Fatal(err)
					}
					n += len(batch)
				}
			}
		})
	}
}

// BenchmarkRoundTrip is one SET and its reply over loopback.
func BenchmarkRoundTrip(b *testing.B) {
	b.ReportAllocs()
	client, g := dialGuard(b)
	g.Authed.Store(true)
	ok := []byte("+OK\r\n")
	go func() {
		for {
			if _, err := g.ReadBatch(1024); err != nil {
				return
			}
			if _, err := g.Write(ok); err != nil {
				return
			}
		}
	}()
	set, reply := pipelineOfSets(1), make([]byte, 5)
	for b.Loop() {
		if _, err := client.Write(set); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(client, reply); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIdleConnection reports what a connection and its client hold together that
// has been served a command and waits for the next.
func BenchmarkIdleConnection(b *testing.B) {
	const connections = 200
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		served := make(chan struct{})
		var clients []net.Conn
		for range connections {
			client, g := dialGuard(b)
			clients = append(clients, client)
			g.Authed.Store(true)
			go func() {
				defer g.Close()
				for {
					if _, err := g.ReadBatch(1024); err != nil {
						return
					}
					served <- struct{}{}
				}
			}()
			if _, err := client.Write(pipelineOfSets(1)); err != nil {
				b.Fatal(err)
			}
			<-served
		}
		runtime.GC()
		runtime.GC() // the second empties the pools
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/connections, "heap-B/conn")
		b.ReportMetric(float64(after.StackInuse-before.StackInuse)/connections, "stack-B/conn")
		for _, client := range clients {
			client.Close()
		}
	}
}
