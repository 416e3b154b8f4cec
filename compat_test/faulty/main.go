// Faulty is Diskette on a disk that fails now and then, for the crash test: redis-server's arguments, and for
// some tenths of a second at a time one kind of file operation of SQLite's or the journal's fails at random.
// DISKETTE_FAULTS is the seed.
package main

import (
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"diskette/resp"
	"diskette/store"
	"diskette/store/journal"
)

func main() {
	if err := serve(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve is what Diskette's main does, without what the crash test needs no faults for.
func serve(args []string) error {
	seed, err := strconv.ParseUint(os.Getenv("DISKETTE_FAULTS"), 10, 64)
	if err != nil {
		return fmt.Errorf("DISKETTE_FAULTS: %w", err)
	}
	d := newDisk(seed)
	cfg, _, err := resp.LoadConfig(args)
	if err != nil {
		return err
	}
	log := zerolog.New(os.Stdout).With().Timestamp().Logger()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	server := resp.NewServer(cfg, log, func(resp.Shutdown) { signals <- syscall.SIGTERM })
	policy, err := journal.ParsePolicy(cfg.AppendFsync())
	if err != nil {
		return err
	}
	go d.weather()
	st, err := store.Open(store.Options{
		Dir: cfg.Text("dir"), Databases: cfg.Databases, MaxMemory: cfg.MaxMemory.Load(), Policy: policy,
		VFS: vfsName, Fault: d.change,
		Hooks: server.Hooks(),
		Log: func(event string, err error, fields ...any) {
			log.Info().AnErr("error", err).Fields(fields).Msg(event)
		},
	})
	if err != nil {
		return err
	}
	server.Start(st)
	ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.FormatInt(cfg.Int("port"), 10)))
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	select {
	case <-signals:
	case err := <-served:
		return err
	}
	server.Stop(time.Second)
	return st.Close()
}
