package resp

import (
	"cmp"
	"slices"
	"strings"
)

// help is the HELP subcommand of every container: the subcommands with their arguments and
// what they do, from the table, in Redis's layout. HELP itself comes last.
func help(c *call) Reply {
	name, _, _ := strings.Cut(c.row.full, "|")
	container := c.table.byName[name]
	lines := []Reply{simple(strings.ToUpper(name) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")}
	if container.conn != nil {
		lines = append(lines, simple("(no subcommand)"), simple("    "+container.doc))
	}
	subs := slices.Clone(container.subs)
	slices.SortFunc(subs, func(a, b *row) int { return cmp.Compare(a.name, b.name) })
	for _, s := range subs {
		if s.name == "help" {
			continue
		}
		for usage := range strings.SplitSeq(s.usage, "\n") {
			lines = append(lines, simple(strings.TrimSpace(strings.ToUpper(s.name)+" "+usage)))
		}
		lines = append(lines, simple("    "+s.doc))
	}
	return array(append(lines, simple("HELP"), simple("    Print this help."))...)
}
