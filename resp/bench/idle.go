package bench

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"diskette/resp/cli/target"
)

// waitIdle opens connections and sends nothing, until ctx ends it or the server has closed them all.
func (r *run) waitIdle(ctx context.Context) error {
	r.report.print("Creating %d idle connections and waiting forever (Ctrl+C when done)\n", r.connections)
	r.report.out.Flush()
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	var live atomic.Int64
	gone := make(chan struct{}, r.connections)
	for range r.connections {
		if ctx.Err() != nil {
			return nil
		}
		conn, err := r.open()
		if err != nil {
			return err
		}
		conns = append(conns, conn)
		live.Add(1)
		go func() {
			_, _ = io.Copy(io.Discard, conn) // whatever ends it, it is gone
			live.Add(-1)
			gone <- struct{}{}
		}()
	}
	ticker := time.NewTicker(progressInterval)
	defer ticker.Stop()
	for live.Load() > 0 {
		r.report.print("clients: %d\r", live.Load())
		r.report.out.Flush()
		select {
		case <-ctx.Done():
			r.report.print("\n")
			r.report.out.Flush()
			return nil
		case <-gone:
		case <-ticker.C:
		}
	}
	return target.Said("All clients disconnected... aborting.")
}

// refuseCluster says why --cluster does nothing: most often the server is none, and says so itself.
func (r *run) refuseCluster() error {
	conn, in, err := r.talk()
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = r.ask(conn, in, []string{"CLUSTER", "NODES"})
	if refused, ok := err.(refusal); ok {
		return target.Said(fmt.Sprintf("Cluster %s\nFailed to fetch cluster configuration from %s", refused.lower(), r.Where()))
	}
	if err != nil {
		return err
	}
	return target.Said("--cluster: this load generator sends everything to one server, and would be redirected by a cluster's. " +
		"Redis's own redis-benchmark spreads it over the nodes.")
}
