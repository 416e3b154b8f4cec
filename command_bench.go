package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"diskette/resp/bench"
)

// benchCommand is diskette bench. It reads its arguments itself: they are redis-benchmark's.
type benchCommand struct {
	Arguments []string `arg:"" optional:"" passthrough:"" help:"redis-benchmark's; --help shows them."`
}

// Run does it.
func (c *benchCommand) Run(*session) error {
	return ended(benchmark(bench.Program{Name: "diskette bench", Ours: true}, c.Arguments))
}

// benchmark runs the load generator until it is through or a signal ends it, and returns the exit status.
func benchmark(p bench.Program, args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return p.Main(ctx, args, os.Stdin, os.Stdout, os.Stderr)
}
