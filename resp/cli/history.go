package cli

import (
	"bytes"
	"errors"
	"os"
	"strings"
)

// mostHistory is how many lines the history keeps.
const mostHistory = 1000

// A history is the lines that were typed, the oldest first, in memory and in a file that only the user can read.
type history struct {
	file  string // "" = none
	lines []string
}

// loadHistory reads ~/.rediscli_history, or the file that REDISCLI_HISTFILE names. Of one that has grown too long the
// last lines stay.
func loadHistory() *history {
	h := &history{file: dotFile("REDISCLI_HISTFILE", ".rediscli_history")}
	if h.file == "" {
		return h
	}
	text, err := os.ReadFile(h.file)
	if err != nil {
		return h // there is none yet, or it can not be read: the lines of this session are kept in memory
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			h.lines = append(h.lines, line)
		}
	}
	if over := len(h.lines) - mostHistory; over > 0 {
		h.lines = h.lines[over:]
		_ = os.WriteFile(h.file, []byte(strings.Join(h.lines, "\n")+"\n"), 0o600) // else it stays long
	}
	return h
}

// add keeps a line, in the file too: another redis-cli's lines in it stay. The same line again is kept once.
func (h *history) add(line string) {
	if n := len(h.lines); n > 0 && h.lines[n-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	if len(h.lines) > mostHistory {
		h.lines = h.lines[1:]
	}
	if h.file == "" {
		return
	}
	f, err := os.OpenFile(h.file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return // a home that can not be written, as in a container: the lines are kept in memory
	}
	defer f.Close()
	_, _ = f.Write(append(bytes.ReplaceAll([]byte(line), []byte("\n"), []byte(" ")), '\n'))
}

// What the editor asks of a history. It is given no lines to write: keep decides.

func (h *history) Write(string) (int, error) { return len(h.lines), nil }

func (h *history) GetLine(n int) (string, error) {
	if n < 0 || n >= len(h.lines) {
		return "", errors.New("no such line")
	}
	return h.lines[n], nil
}

func (h *history) Len() int  { return len(h.lines) }
func (h *history) Dump() any { return h.lines }

// holdsPassword tells whether a line holds a password, which no history may keep. args are its arguments without a
// count before them; of a line that has none, because a quote is open, the words are looked at.
func holdsPassword(line string, args []string) bool {
	if len(args) == 0 {
		if args = strings.Fields(line); len(args) > 1 && isNumber(args[0]) {
			args = args[1:]
		}
		for i := range args {
			args[i] = strings.Trim(args[i], `"'`)
		}
	}
	word := func(i int) string {
		if i < len(args) {
			return strings.ToLower(args[i])
		}
		return ""
	}
	any := func(from, step int, secret func(string) bool) bool {
		for i := from; i < len(args); i += step {
			if secret(word(i)) {
				return true
			}
		}
		return false
	}
	switch word(0) {
	case "auth":
		return true
	case "acl":
		return word(1) == "setuser" || word(1) == "deluser"
	case "config":
		return word(1) == "set" && any(2, 1, isSecretSetting)
	case "sentinel":
		return word(1) == "set" && any(3, 1, isSecretSetting) || word(1) == "config" && any(3, 1, isSecretSetting)
	case "hello", "migrate":
		return any(1, 1, func(w string) bool { return w == "auth" || w == "auth2" })
	}
	return false
}

func isSecretSetting(name string) bool {
	switch name {
	case "requirepass", "masterauth", "masteruser", "tls-key-file-pass", "tls-client-key-file-pass", "auth-pass", "auth-user",
		"sentinel-pass", "sentinel-user":
		return true
	}
	return false
}
