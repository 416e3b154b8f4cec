package cli

import (
	"slices"
	"strings"
)

// hint is what stands in grey behind a line that is being typed: the arguments that its command takes still.
func (d *documents) hint(line string) string {
	args, ok := splitLine(line)
	if !ok || len(args) == 0 {
		return ""
	}
	if len(args) > 1 && isNumber(args[0]) { // "5 ping"
		args = args[1:]
	}
	c := d.find(args)
	if c == nil {
		return ""
	}
	hint := withoutTyped(c.params, len(args)-len(c.words))
	if hint != "" && !strings.HasSuffix(line, " ") {
		hint = " " + hint
	}
	return hint
}

// find returns the command, or subcommand, that a line is of.
func (d *documents) find(args []string) (found *document) {
	for i := range d.commands {
		c := &d.commands[i]
		if startsWith(args, c.words) && (found == nil || len(c.words) > len(found.words)) {
			found = c
		}
	}
	return found
}

// withoutTyped takes off as many of the arguments as have been typed. What is optional, or one of several, can not be
// told apart from here: it stays.
func withoutTyped(params string, typed int) string {
	for ; typed > 0 && params != "" && params[0] != '['; typed-- {
		_, params, _ = strings.Cut(params, " ")
	}
	return params
}

// complete returns the lines that a line may become: names of commands, or behind help of groups too.
func (d *documents) complete(line string) (lines []string) {
	before, start := "", line
	topics := false
	if len(line) >= len("help ") && strings.EqualFold(line[:len("help ")], "help ") {
		start = strings.TrimLeft(line[len("help "):], " ")
		before, topics = line[:len(line)-len(start)], true
	}
	if !topics && start == "" {
		return nil
	}
	add := func(name string) {
		if len(name) >= len(start) && strings.EqualFold(name[:len(start)], start) {
			lines = append(lines, before+name)
		}
	}
	if topics {
		for _, group := range d.groups {
			add("@" + group)
		}
	}
	for _, c := range d.commands {
		add(c.name)
	}
	slices.SortStableFunc(lines, func(a, b string) int { return len(strings.Fields(a)) - len(strings.Fields(b)) })
	return lines
}
