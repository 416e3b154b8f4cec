package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"diskette/resp"
	"diskette/resp/movein"
)

const importUsage = `Usage: diskette import FILE|DIR [--into DIR] [--db-map FROM:TO[,FROM:TO ...]] [--json] [--option value ...]

Imports an RDB file, an append only file, or what of these Redis has left in a directory, into a directory that has no
data yet and no server. The options are the server's, such as --import-skip-modules yes, --import-damaged prefix,
--databases 32, --appendonly yes.

The exit status is 0 when all that was asked for is in the directory, 1 when nothing was imported, or interrupted, and 2 when
the arguments can not be understood. --json writes the result as JSON.
`

// importCommand is diskette import. It returns the exit status.
func importCommand(args []string, stdout, stderr *os.File) int {
	a, err := importArguments(args)
	if errors.Is(err, errHelp) {
		fmt.Fprint(stdout, importUsage)
		return statusOK
	}
	if err == nil {
		err = importFrom(a, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
	}
	return statusOf(err)
}

// importResult is what it writes as JSON.
type importResult struct {
	From           string  `json:"from"`
	Dir            string  `json:"dir"`
	Keys           int64   `json:"keys"`
	Expired        int64   `json:"expired"`
	ModulesSkipped int64   `json:"values_of_modules_left_out"`
	Fault          string  `json:"fault,omitempty"`
	Torn           string  `json:"torn,omitempty"`
	Seconds        float64 `json:"seconds"`
}

func importFrom(a importing, stdout, stderr *os.File) error {
	cfg, err := optionsOf(a.options, importUsage)
	if err != nil {
		return err
	}
	for from, to := range a.databases {
		if err := reachable(fmt.Sprintf("--db-map %d:%d", from, to), to, cfg); err != nil {
			return err
		}
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
	o.Databases, o.ByCommand = a.databases, true
	source, err := movein.At(a.from, o)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server.BeginLoading(source.Size) // it bounds the memory
	bar := newProgressBar(progressTo(a.json, stdout, stderr))
	bar.told = time.Time{}
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
	if a.json {
		return json.NewEncoder(stdout).Encode(importResult{a.from, dir, r.Keys, r.Expired, r.ModulesSkipped, textOf(r.Fault),
			textOf(r.Torn), r.Took.Seconds()})
	}
	fmt.Fprintf(stdout, "%s: %d keys are in %s, after %.1f s; %d had expired, %d values of modules were left out\n",
		source.Name, r.Keys, dir, r.Took.Seconds(), r.Expired, r.ModulesSkipped)
	return nil
}

// textOf is an error's text, "" = there is none.
func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// progressTo is where progress is shown: not where the result goes, if a program reads that.
func progressTo(json bool, stdout, stderr *os.File) *os.File {
	if json {
		return stderr
	}
	return stdout
}

// importing is import's own arguments, and the server's options.
type importing struct {
	from      string
	databases map[int]int
	json      bool
	options   []string
}

// importArguments takes import's own arguments apart from the server's options.
func importArguments(args []string) (a importing, err error) {
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		value := func() string {
			if len(args) == 0 {
				err = usageError{fmt.Sprintf("%s needs a value\n%s", word, importUsage)}
				return ""
			}
			v := args[0]
			args = args[1:]
			return v
		}
		switch {
		case word == "-h" || word == "--help":
			err = errHelp
		case word == "--json":
			a.json = true
		case word == "--into":
			a.options = append(a.options, "--dir", value())
		case word == "--db-map":
			a.databases, err = databaseMap(value())
		case strings.HasPrefix(word, "--"):
			a.options = append(a.options, word, value())
		case a.from == "":
			a.from = word
		default:
			err = usageError{fmt.Sprintf("%s: only one file or directory can be imported\n%s", word, importUsage)}
		}
		if err != nil {
			return a, err
		}
	}
	if a.from == "" {
		err = usageError{"the name of the file or directory is missing\n" + importUsage}
	}
	return a, err
}

// databaseMap reads FROM:TO,FROM:TO ... .
func databaseMap(text string) (map[int]int, error) {
	all := map[int]int{}
	for pair := range strings.SplitSeq(text, ",") {
		a, b, ok := strings.Cut(pair, ":")
		from, err1 := strconv.ParseUint(a, 10, 31)
		to, err2 := strconv.ParseUint(b, 10, 31)
		if _, twice := all[int(from)]; !ok || err1 != nil || err2 != nil || twice {
			return nil, usageError{fmt.Sprintf("--db-map %s: FROM:TO is expected, such as 0:3, each FROM once", text)}
		}
		all[int(from)] = int(to)
	}
	return all, nil
}

// show shows how far an import is.
func (b *progressBar) show(p movein.Progress) {
	text := fmt.Sprintf("%d keys", p.Read)
	if p.Commands > 0 {
		text += fmt.Sprintf(", %d commands", p.Commands)
	}
	if p.Indexing {
		text += ", now the index on the names"
	} else {
		text += timeLeft(p.Percent(), p.Took, p.Left())
	}
	b.draw(p.Percent(), text, p.Indexing)
}
