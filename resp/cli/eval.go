package cli

import (
	"fmt"
	"os"
	"strconv"

	"diskette/resp/cli/target"
)

// evalCommand is the EVAL of the script that --eval names: the arguments before a comma of its own are keys.
func (s *session) evalCommand(args []string) ([]string, error) {
	script, err := os.ReadFile(s.evalFile)
	if err != nil {
		return nil, errSaid(fmt.Sprintf("Can't open file '%s': %s", s.evalFile, target.Reason(err)))
	}
	keys, rest := args, []string(nil)
	for i, arg := range args {
		if arg == "," {
			keys, rest = args[:i], args[i+1:]
			break
		}
	}
	command := append([]string{"EVAL", string(script), strconv.Itoa(len(keys))}, keys...)
	return append(command, rest...), nil
}
