package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"diskette/resp/cli/target"
)

// preferences are what :set changes.
type preferences struct {
	noHints bool
}

// obey obeys a line that starts with a colon. from stands before the message if it is none.
func (p *preferences) obey(args []string, s *session, from string) {
	switch {
	case !strings.EqualFold(args[0], ":set") || len(args) < 2:
		fmt.Fprintf(s.out, "%sunknown redis-cli internal command '%s'\n", from, args[0])
	case strings.EqualFold(args[1], "hints"):
		p.noHints = false
	case strings.EqualFold(args[1], "nohints"):
		p.noHints = true
	default:
		fmt.Fprintf(s.out, "%sunknown redis-cli preference '%s'\n", from, args[1])
	}
}

// loadPreferences obeys the lines of ~/.redisclirc, or of the file that REDISCLI_RCFILE names.
func (s *session) loadPreferences() {
	file := dotFile("REDISCLI_RCFILE", ".redisclirc")
	if file == "" {
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		if !os.IsNotExist(err) {
			fmt.Fprintf(s.err, "%s can not be read: %s\n", file, target.Reason(err))
		}
		return
	}
	for line := range strings.Lines(string(text)) {
		if args, ok := splitLine(line); ok && len(args) > 0 {
			s.preferences.obey(args, s, ".redisclirc: ")
		}
	}
}

// dotFile is a file of the user: the one that the variable names, or the one in the home directory. "" = there is none.
func dotFile(variable, name string) string {
	if file := os.Getenv(variable); file == os.DevNull {
		return ""
	} else if file != "" {
		return file
	}
	home := os.Getenv("HOME")
	if home == "" {
		return ""
	}
	return filepath.Join(home, name)
}
