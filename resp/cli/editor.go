package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/reeflective/readline"
	"github.com/rivo/uniseg"
	"golang.org/x/term"
)

// An editor reads lines from a person: with a history, completion, and hints behind the cursor.
type editor struct {
	s       *session
	shell   *readline.Shell
	history *history
	text    string // the prompt
}

// openEditor returns an editor on the terminal, or plain if the terminal can not do what one needs.
func (s *session) openEditor(plain *plainLines) lineReader {
	if s.out != io.Writer(os.Stdout) || s.stdin != io.Reader(os.Stdin) || !isTerminal(os.Stdout) || !isTerminal(os.Stderr) {
		return plain
	}
	switch os.Getenv("TERM") {
	case "", "dumb", "cons25", "emacs":
		return plain
	}
	e := &editor{s: s, history: loadHistory(), shell: readline.NewShell()}
	for option, value := range map[string]any{
		"completion-ignore-case": true,
		"comment-begin":          "\x00", // a # starts no comment here
		"cursor-emacs":           "default",
		"cursor-position-probe":  false, // keys that arrive beside the terminal's answer would be lost
	} {
		_ = e.shell.Config.Set(option, value) // it knows any
	}
	e.shell.Prompt.Primary(func() string { return e.text })
	e.shell.History.Delete()
	e.shell.History.Add("redis-cli", e.history)
	e.shell.Completer = e.complete
	e.shell.SyntaxHighlighter = e.highlight
	return e
}

func (e *editor) readLine(prompt string) (string, error) {
	e.s.loadDocuments()
	e.text = prompt
	line, err := e.shell.Readline()
	if errors.Is(err, readline.ErrInterrupt) {
		err = io.EOF // as redis-cli, Ctrl-C leaves
	}
	if err != nil {
		line = ""
	}
	return line, err
}

func (e *editor) keep(line string) { e.history.add(line) }
func (e *editor) close()           {}

func (e *editor) complete(line []rune, cursor int) readline.Completions {
	before := string(line[:cursor])
	found := readline.CompleteValues(e.s.known().complete(before)...)
	found.PREFIX = before
	return found.NoSort()
}

// highlight writes the line with its hint in grey. The editor calls it with each change.
//
// The editor goes to the row below the line and back, which leads astray in the terminal's last row: so the rows are
// made first, by going down as many (ESC D scrolls where there are no more) and up again.
func (e *editor) highlight(line []rune) string {
	text := string(line)
	width, _, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil || width <= 0 {
		width = 80
	}
	used := uniseg.StringWidth(e.text) + uniseg.StringWidth(text)
	below := used/width + 1
	shown := strings.Repeat("\x1bD", below) + fmt.Sprintf("\x1b[%dA", below) + text
	if e.s.preferences.noHints {
		return shown
	}
	hint := e.s.known().hint(text)
	if room := width - used%width - 1; len(hint) > room {
		hint = hint[:max(room, 0)]
	}
	if hint == "" {
		return shown
	}
	return shown + "\x1b[90m" + hint + "\x1b[0m"
}
