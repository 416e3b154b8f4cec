package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"diskette/resp/internal/words"
)

// otherDirectives are those that are no parameters.
var otherDirectives = map[string]string{
	"include": "the name of a file", "loadmodule": "the name of a file", "user": "a name and rules",
	"rename-command": "a command's name and its new one, which may be \"\"",
}

// adviceOn says what to do about a line whose directive is unknown, or has too many or too few values.
func adviceOn(line string) string {
	parts, _ := words.Split(line)
	if len(parts) == 0 {
		return "A line is a directive and its value"
	}
	name := strings.ToLower(parts[0])
	if takes := otherDirectives[name]; takes != "" {
		return name + " takes " + takes
	}
	if n := forgottenOptions[name]; n > 0 {
		return fmt.Sprintf("%s takes %d values", name, n)
	}
	if _, known := parameterIndex[name]; known {
		return name + " takes one value, in quotes if there are spaces in it"
	}
	if meant := nearest(name); meant != "" {
		return "There is no directive of this name: is it " + meant + "?"
	}
	return "There is no directive of this name: they are those of redis.conf"
}

// nearest is the directive that differs from a name in a letter or two; "" = there is none.
func nearest(name string) (found string) {
	least := min(3, 1+len(name)/4)
	for _, known := range slices.Sorted(maps.Keys(parameterIndex)) {
		if d := differences(name, known); d < least {
			found, least = known, d
		}
	}
	return found
}

// differences is how many letters must be changed, added or left out (Levenshtein's distance).
func differences(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// adviceOnFile says what to do about a conf file that can not be read.
func adviceOnFile(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "name one that is there, or none to start with the defaults"
	case errors.Is(err, fs.ErrPermission):
		return fmt.Sprintf("the server's user (%d) must be allowed to read it", os.Getuid())
	}
	return "name a file that can be read"
}
