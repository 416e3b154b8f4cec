package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"

	"diskette/resp"
	"diskette/resp/movein"
)

const importUsage = `Usage: diskette import FILE|DIR [--into DIR] [--db-map FROM:TO[,FROM:TO ...]] [--option value ...]

Imports an RDB file, an append only file, or what of these Redis has left in a directory, into a directory that has no
data yet and no server. The options are the server's, such as --import-skip-modules yes, --import-damaged prefix,
--databases 32, --appendonly yes.

The exit status is 0 when all that was asked for is in the directory, and 1 when nothing was imported, or interrupted.
`

// importCommand is diskette import. It returns the exit status.
func importCommand(args []string, stdout, stderr *os.File) int {
	from, databases, options, err := importArguments(args)
	if errors.Is(err, errHelp) {
		fmt.Fprint(stdout, importUsage)
		return 0
	}
	if err == nil {
		err = importFrom(from, databases, options, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

func importFrom(from string, databases map[int]int, options []string, stdout, stderr *os.File) error {
	cfg, _, err := resp.LoadConfig(options, imageDefaults(os.Getenv)...)
	if err != nil {
		return err
	}
	dir := cfg.Text("dir")
	if _, err := leaveRoot(dir, os.Getenv); err != nil {
		return err
	}
	server := resp.NewServer(cfg, zerolog.Nop(), nil)
	o := importOptions(cfg, server, logger{})
	o.Store.Log = func(event string, err error, fields ...any) {
		if err != nil {
			fmt.Fprintf(stderr, "%s: %v\n", event, err)
		}
	}
	o.Databases = databases
	source, err := movein.At(from, o)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server.BeginLoading(source.Size) // it bounds the memory
	bar := progressBar{out: stdout, terminal: isatty.IsTerminal(stdout.Fd())}
	o.Progress = bar.show
	r, err := source.Run(ctx, o)
	bar.end()
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted: nothing was imported")
	case err != nil:
		return err
	}
	for _, met := range []error{r.Fault, r.Torn} {
		if met != nil {
			fmt.Fprintf(stderr, "what stands behind the fault is not imported: %v\n", met)
		}
	}
	fmt.Fprintf(stdout, "%s: %d keys are in %s, after %.1f s; %d had expired, %d values of modules were left out\n",
		source.Name, r.Keys, dir, r.Took.Seconds(), r.Expired, r.ModulesSkipped)
	return nil
}

// importArguments takes import's own arguments apart from the server's options.
func importArguments(args []string) (from string, databases map[int]int, options []string, err error) {
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		value := func() string {
			if len(args) == 0 {
				err = fmt.Errorf("%s needs a value\n%s", word, importUsage)
				return ""
			}
			v := args[0]
			args = args[1:]
			return v
		}
		switch {
		case word == "-h" || word == "--help":
			err = errHelp
		case word == "--into":
			options = append(options, "--dir", value())
		case word == "--db-map":
			databases, err = databaseMap(value())
		case strings.HasPrefix(word, "--"):
			options = append(options, word, value())
		case from == "":
			from = word
		default:
			err = fmt.Errorf("%s: only one file or directory can be imported\n%s", word, importUsage)
		}
		if err != nil {
			return "", nil, nil, err
		}
	}
	if from == "" {
		return "", nil, nil, fmt.Errorf("the name of the file or directory is missing\n%s", importUsage)
	}
	return from, databases, options, nil
}

// databaseMap reads FROM:TO,FROM:TO ... .
func databaseMap(text string) (map[int]int, error) {
	all := map[int]int{}
	for pair := range strings.SplitSeq(text, ",") {
		a, b, ok := strings.Cut(pair, ":")
		from, err1 := strconv.ParseUint(a, 10, 31)
		to, err2 := strconv.ParseUint(b, 10, 31)
		if _, twice := all[int(from)]; !ok || err1 != nil || err2 != nil || twice {
			return nil, fmt.Errorf("--db-map %s: FROM:TO is expected, such as 0:3, each FROM once", text)
		}
		all[int(from)] = int(to)
	}
	return all, nil
}

// progressBar shows how far an import or export is: on a terminal in one line that is written over,
// elsewhere in a line now and then.
type progressBar struct {
	out      io.Writer
	terminal bool
	told     time.Time
	open     bool // a line has begun
}

const barCells = 30

func (b *progressBar) show(p movein.Progress) {
	text := fmt.Sprintf("%d keys", p.Read)
	if p.Commands > 0 {
		text += fmt.Sprintf(", %d commands", p.Commands)
	}
	if p.Indexing {
		text += ", now the index on the names"
	} else {
		text += fmt.Sprintf(", %.0f s left", p.Left().Seconds())
	}
	b.draw(p.Percent(), text, p.Indexing)
}

// draw shows a line, unless it is soon after the one before and not always to be shown.
func (b *progressBar) draw(percent float64, text string, always bool) {
	pause := tellEvery
	if b.terminal {
		pause = 100 * time.Millisecond
	}
	if time.Since(b.told) < pause && !always {
		return
	}
	b.told = time.Now()
	done := min(int(percent*barCells/100), barCells)
	line := fmt.Sprintf("[%s] %5.1f%%  %s", strings.Repeat("#", done)+strings.Repeat("-", barCells-done), percent, text)
	if b.terminal {
		fmt.Fprintf(b.out, "\r%s\x1b[K", line)
		b.open = true
		return
	}
	fmt.Fprintln(b.out, line)
}

// end ends the line.
func (b *progressBar) end() {
	if b.open {
		fmt.Fprintln(b.out)
	}
}
