package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"diskette/resp"
	"diskette/resp/admin"
	"diskette/resp/config"
	"diskette/store"
	"diskette/store/journal"
)

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
			fmt.Print(usage())
			return 0
		}
	}
	inBackground := takeBackground()
	input, err := keepInput(args)
	if err != nil {
		return refuse(err)
	}
	cfg, notices, err := resp.LoadConfig(args, append(imageDefaults(os.Getenv), defaults...)...)
	if err != nil {
		err = withHint(err, args)
		return refuse(err)
	}
	manager := supervisorOf(cfg.Text("supervised"), os.Getenv)
	if cfg.Bool("daemonize") && manager.by == "" && !inBackground {
		return startInBackground(input, os.Stderr)
	}
	warnings, err := prepare(cfg, os.Getenv)
	if err != nil {
		return refuse(err)
	}
	log, err := newLog(cfg, inBackground)
	if err != nil {
		return refuse(err)
	}
	p := &process{cfg: cfg, log: log, manager: manager, inBackground: inBackground,
		started: time.Now(), ending: make(chan string, 1)}
	p.heedSignals()
	p.tell(notices, warnings)
	return p.run()
}

// refuse says why the server does not start, before there is a log.
func refuse(why error) int {
	fmt.Fprintln(os.Stderr, why)
	return 1
}

// A process is the server's from its configuration to its end.
type process struct {
	cfg          *config.Config
	log          logger
	manager      *supervisor
	inBackground bool
	started      time.Time

	signals chan os.Signal // SIGTERM and SIGINT
	ending  chan string    // why the server is to end; the first reason counts

	server    *resp.Server
	answering bool // clients are
	listeners []listener
	admin     *admin.Server // nil = there is none
	removePid func()
}

// heedSignals has signals end the server in order from here on, also while the data is being opened. As process 1
// of a container it would otherwise get none: the kernel applies no defaults there.
func (p *process) heedSignals() {
	p.signals = make(chan os.Signal, 1)
	signal.Notify(p.signals, syscall.SIGTERM, syscall.SIGINT)
	signal.Ignore(syscall.SIGPIPE) // as Redis does: a log pipe without a reader
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	go p.log.reopenAt(hangups)
}

// tell logs what the configuration and the surroundings gave cause to say.
func (p *process) tell(notices []config.Notice, warnings []string) {
	for _, n := range notices {
		p.log.Info().Str("option", n.Option).Msg(n.Text)
	}
	if p.manager.missing != "" {
		warnings = append(warnings, p.manager.missing)
	}
	for _, text := range warnings {
		p.log.Warn().Msg(text)
	}
}

// end asks for the server's end.
func (p *process) end(why string) {
	select {
	case p.ending <- why:
	default: // the end is under way
	}
}

// run opens the data, serves it until somebody asks for the end, and closes it. It returns the exit status.
func (p *process) run() int {
	p.removePid = func() {}
	defer func() { p.removePid() }()
	p.server = resp.NewServer(p.cfg, p.log.Logger, func(resp.Shutdown) { p.end("SHUTDOWN") })
	if err := p.server.LoadUsers(); err != nil {
		return p.fatal("Aborting startup because of ACL errors", err)
	}
	if err := p.server.LoadTLS(); err != nil {
		return p.fatal("can not serve tls-port", err)
	}
	bounds, err := p.server.Bounds()
	if err != nil {
		return p.fatal("can not keep the data within its bounds", err)
	}
	p.server.SupervisedBy(p.manager.by)
	p.manager.starting(p.log)
	switch why, err := moveIn(p.cfg, p.server, p.log, p.answer, p.signals, p.ending); {
	case why != "":
		p.server.Stop(drainGrace)
		p.log.Info().Str("reason", why).
			Msg("ended while data was moving in: nothing of it is kept, and the next start begins anew")
		return 0
	case err != nil:
		p.server.Stop(0)
		return p.fatal("the data can not move in", err)
	}
	options := storeOptions(p.cfg, p.server, p.log)
	options.Bounds = bounds
	st, err := store.Open(options)
	if err != nil {
		return p.fatal("can not open the data", err)
	}
	p.log.opened(st.Opened())
	p.server.Start(st)
	if !p.answering {
		if err := p.answer(); err != nil {
			st.Close()
			return p.fatal("can not listen", err)
		}
	}
	p.ready()
	return p.close(st, p.wait())
}

// fatal says why the server ends, and returns its exit status.
func (p *process) fatal(what string, err error) int {
	p.log.fatal(what, err)
	return 1
}

// answer begins to serve clients: once the data is open, or with -LOADING while it moves in.
func (p *process) answer() (err error) {
	p.answering = true
	p.listeners, err = p.listen()
	return err
}

// ready tells everybody who waits for it that the server is.
func (p *process) ready() {
	for _, kind := range kinds(p.listeners) {
		p.log.Info().Int("pid", os.Getpid()).Str("version", resp.Version).
			Dur("start_ms", time.Since(p.started)).Msg(readyLine(kind, time.Now()))
	}
	p.manager.isReady(p.log)
	if p.inBackground {
		fmt.Fprintln(os.Stderr, backgroundReady)
	}
}

// wait returns why the server is to end.
func (p *process) wait() (why string) {
	select {
	case s := <-p.signals:
		return s.String()
	case why = <-p.ending:
		return why
	}
}

// close ends the commands under way and closes the data. It returns the exit status.
func (p *process) close(st *store.Store, why string) int {
	p.log.Info().Str("reason", why).Msg("shutting down")
	p.manager.stopping(p.log)
	if p.admin != nil {
		p.admin.Stop()
	}
	p.server.Stop(drainGrace)
	if p.server.RunsScript() { // what the script has changed is nobody's yet
		if err := st.Sync(); err != nil {
			p.log.Error().Err(err).Msg("the journal could not be fsynced")
			return 1
		}
		p.log.Warn().
			Msg("ended in the middle of a script, of which nothing is kept; what was acknowledged is in the journal")
		return 0
	}
	if err := st.Close(); err != nil {
		where := "what was acknowledged is in the journal"
		if errors.Is(err, store.ErrMisplaced) {
			where = "what is in a file that has no name any more ends with this process"
		}
		p.log.Error().Err(err).Msg("closed with an error; " + where)
		return 1
	}
	p.log.Info().Msg("everything is on disk, bye")
	return 0
}

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

		Unverified: !cfg.Bool("page-checksums"),
		Others:     redisFiles(cfg),
		Hooks:      server.Hooks(),
		Log:        log.Event,
	}
}

// listen listens on the configured addresses and serves who comes there. The process's id is written before the first
// client has an answer.
func (p *process) listen() ([]listener, error) {
	page, err := p.listenForAdmin()
	if err != nil {
		return nil, err
	}
	listeners, err := listen(p.cfg)
	if err == nil {
		p.removePid = writePid(p.cfg.Text("pidfile"), p.log)
		if page != nil {
			p.serveAdmin(page)
		}
	}
	for _, ln := range listeners {
		go func() {
			serve := p.server.Serve
			if ln.overTLS {
				serve = p.server.ServeTLS
			}
			if err := serve(ln.Listener); err != nil {
				p.log.Error().Err(err).Stringer("address", ln.Addr()).Msg("listening ended")
				p.end("listener failed")
			}
		}()
		p.log.Info().Stringer("address", ln.Addr()).Msg("listening")
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
