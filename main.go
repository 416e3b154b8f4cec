// Diskette is a Redis-protocol server whose data lives on disk, in SQLite.
//
//	diskette [conf file] [--option value ...]     redis-server's arguments
//	diskette import FILE|DIR [--into DIR]         see import.go
//	diskette export FILE.rdb [DIR]                see export.go
//
// The binary also answers to the names redis-server, redis-cli and others, as the container image
// needs it: names.go, entrypoint.go. The way from here: main opens the store (package store), gives it to the
// server (package resp), listens, and takes both down in the opposite order.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"diskette/resp"
	"diskette/resp/check"
	"diskette/resp/cli"
	"diskette/resp/config"
	"diskette/store"
	"diskette/store/journal"
)

func main() {
	r, args := roleOf(os.Args)
	os.Exit(act(r, args))
}

// act is the program of a role, and returns its exit status. defaults are lines of a conf file for the server.
func act(r role, args []string, defaults ...string) int {
	name := filepath.Base(os.Args[0])
	switch r {
	case roleClient:
		if password := os.Getenv("VALKEYCLI_AUTH"); password != "" && strings.HasPrefix(name, "valkey-") {
			os.Setenv("REDISCLI_AUTH", password) // valkey-cli looks at its own variable first
		}
		return cli.Main(args, os.Stdin, os.Stdout, os.Stderr)
	case roleImport:
		return importCommand(args, os.Stdout, os.Stderr)
	case roleExport:
		return exportCommand(args, os.Stdout, os.Stderr)
	case roleCheckRDB:
		return check.RDB(args, os.Stdout)
	case roleCheckAOF:
		return check.AOF(args, os.Stdin, os.Stdout)
	case roleBenchmark:
		fmt.Fprintf(os.Stderr, benchmarkText, name)
		return 1
	case roleSentinel:
		return refuseSentinel(name)
	case roleEntryPoint:
		return enter(args)
	}
	return serve(args, defaults...)
}

// drainGrace is how long commands under way may take once the server ends.
const drainGrace = time.Second

// serve runs the server until a signal or SHUTDOWN and returns the exit status.
func serve(args []string, defaults ...string) int {
	if slices.Contains(args, "--sentinel") {
		return refuseSentinel("--sentinel")
	}
	if len(args) == 1 {
		switch args[0] {
		case "-v", "--version":
			fmt.Println(resp.VersionLine())
			return 0
		case "-h", "--help":
			fmt.Print(usage)
			return 0
		}
	}
	inBackground := takeBackground()
	input, err := keepInput(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cfg, notices, err := resp.LoadConfig(args, append(imageDefaults(os.Getenv), defaults...)...)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	manager := supervisorOf(cfg.Text("supervised"), os.Getenv)
	if cfg.Bool("daemonize") && manager.by == "" && !inBackground {
		return startInBackground(input, os.Stderr)
	}
	surroundings, err := prepare(cfg, os.Getenv)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	log, err := newLog(cfg, inBackground)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// From here on a signal ends the server in order, also while the data is being opened. As process 1
	// of a container it would otherwise get none: the kernel applies no defaults there.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	signal.Ignore(syscall.SIGPIPE) // as Redis does: a log pipe without a reader
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go log.reopenAt(hangups)
	for _, n := range notices {
		log.Info().Str("option", n.Option).Msg(n.Text)
	}
	if manager.missing != "" {
		surroundings = append(surroundings, manager.missing)
	}
	for _, text := range surroundings {
		log.Warn().Msg(text)
	}
	ending := make(chan string, 1)
	end := func(why string) {
		select {
		case ending <- why:
		default: // the end is under way
		}
	}
	server := resp.NewServer(cfg, log.Logger, func(resp.Shutdown) { end("SHUTDOWN") })
	if err := server.LoadUsers(); err != nil {
		log.fatal("Aborting startup because of ACL errors", err)
		return 1
	}
	if err := server.LoadTLS(); err != nil {
		log.fatal("can not serve tls-port", err)
		return 1
	}
	server.SupervisedBy(manager.by)
	manager.starting(log)
	start := time.Now()
	answering, removePid := false, func() {}
	defer func() { removePid() }()
	var served []listener
	answer := func() (err error) { // clients
		answering = true
		served, err = serveAll(cfg, server, log, end, func() { removePid = writePid(cfg.Text("pidfile"), log) })
		return err
	}
	switch why, err := moveIn(cfg, server, log, answer, signals, ending); {
	case why != "":
		server.Stop(drainGrace)
		log.Info().Str("reason", why).Msg("ended while data was moving in: nothing of it is kept, and the next start begins anew")
		return 0
	case err != nil:
		server.Stop(0)
		log.fatal("the data can not move in", err)
		return 1
	}
	st, err := store.Open(storeOptions(cfg, server, log))
	if err != nil {
		log.fatal("can not open the data", err)
		return 1
	}
	log.opened(st.Opened())
	server.Start(st)

	if !answering {
		if err := answer(); err != nil {
			log.fatal("can not listen", err)
			st.Close()
			return 1
		}
	}
	for _, kind := range kinds(served) {
		log.Info().Int("pid", os.Getpid()).Str("version", resp.Version).
			Dur("start_ms", time.Since(start)).Msg(readyLine(kind, time.Now()))
	}
	manager.isReady(log)
	if inBackground {
		fmt.Fprintln(os.Stderr, backgroundReady)
	}

	var why string
	select {
	case s := <-signals:
		why = s.String()
	case why = <-ending:
	}
	log.Info().Str("reason", why).Msg("shutting down")
	manager.stopping(log)
	server.Stop(drainGrace)
	if server.RunsScript() { // what the script has changed is nobody's yet
		if err := st.Sync(); err != nil {
			log.Error().Err(err).Msg("the journal could not be fsynced")
			return 1
		}
		log.Warn().Msg("ended in the middle of a script, of which nothing is kept; what was acknowledged is in the journal")
		return 0
	}
	if err := st.Close(); err != nil {
		where := "what was acknowledged is in the journal"
		if errors.Is(err, store.ErrMisplaced) {
			where = "what is in a file that has no name any more ends with this process"
		}
		log.Error().Err(err).Msg("closed with an error; " + where)
		return 1
	}
	log.Info().Msg("everything is on disk, bye")
	return 0
}

const usage = `Usage: diskette [/path/to/redis.conf | -] [--option value ...]
       diskette -v | --version
       diskette -h | --help
       diskette import FILE|DIR [--into DIR] [--db-map FROM:TO[,FROM:TO ...]] [--option value ...]
       diskette export FILE.rdb [DIR] [--option value ...]

The options are redis-server's, for example:
       diskette --port 7777 --dir /var/lib/diskette --appendfsync always --maxmemory 1gb
`

var onDamage = map[string]store.OnDamage{"no": store.Refuse, "yes": store.BeginEmpty, "salvage": store.Salvage}

func storeOptions(cfg *config.Config, server *resp.Server, log logger) store.Options {
	policy, err := journal.ParsePolicy(cfg.AppendFsync())
	if err != nil {
		policy = journal.EverySec
	}
	return store.Options{
		Dir:            cfg.Text("dir"),
		Databases:      cfg.Databases,
		MaxMemory:      cfg.MaxMemory.Load(),
		Memory:         cfg.Memory,
		Policy:         policy,
		OnDamage:       onDamage[cfg.Text("set-aside-damaged")],
		AllowNetworkFS: cfg.Bool("allow-network-filesystem"),
		Others:         redisFiles(cfg),
		Hooks:          server.Hooks(),
		Log:            log.Event,
	}
}

// serveAll listens on the configured addresses and serves who comes there. What is done first is done before the first
// client has an answer.
func serveAll(cfg *config.Config, server *resp.Server, log logger, end func(why string),
	first func()) ([]listener, error) {
	listeners, err := listen(cfg)
	if err == nil {
		first()
	}
	for _, ln := range listeners {
		go func() {
			serve := server.Serve
			if ln.overTLS {
				serve = server.ServeTLS
			}
			if err := serve(ln.Listener); err != nil {
				log.Error().Err(err).Stringer("address", ln.Addr()).Msg("listening ended")
				end("listener failed")
			}
		}()
		log.Info().Stringer("address", ln.Addr()).Msg("listening")
	}
	return listeners, err
}

// writePid writes the process's id to a file, if one is named, and returns what removes it.
func writePid(path string, log logger) (remove func()) {
	if path == "" {
		return func() {}
	}
	path, err := filepath.Abs(path)
	if err == nil {
		err = os.WriteFile(path, []byte(strconv.Itoa(os.Getpid())+"\n"), 0o644)
	}
	if err != nil {
		log.Warn().Err(err).Msg("can not write the pid file")
		return func() {}
	}
	return func() { os.Remove(path) }
}
