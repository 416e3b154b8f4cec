package command

import (
	"cmp"
	"slices"
	"strings"
)

// Help is the HELP subcommand of every container: the subcommands with their arguments and
// what they do, from the table, in Redis's layout. HELP itself comes last.
func Help(c *Call) Reply {
	container := c.Table.Lookup(c.Args[0])
	lines := []Reply{Simple(strings.ToUpper(c.Str(0)) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")}
	if container.Conn != nil {
		lines = append(lines, Simple("(no subcommand)"), Simple("    "+container.Doc))
	}
	subs := slices.Clone(container.Subs)
	slices.SortFunc(subs, func(a, b *Row) int { return cmp.Compare(a.Name, b.Name) })
	for _, s := range subs {
		if s.Name == "help" {
			continue
		}
		for usage := range strings.SplitSeq(s.Usage, "\n") {
			lines = append(lines, Simple(strings.TrimSpace(strings.ToUpper(s.Name)+" "+usage)))
		}
		lines = append(lines, Simple("    "+s.Doc))
	}
	return Array(append(lines, Simple("HELP"), Simple("    Print this help."))...)
}
