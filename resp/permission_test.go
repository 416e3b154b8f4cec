package resp

import (
	"testing"

	"diskette/resp/acl"
	"diskette/resp/command"
)

func BenchmarkPermitted(b *testing.B) {
	for name, rules := range map[string][]string{"everything": {"+@all", "~*", "&*"}, "some commands and keys": {"+@read", "+@write", "~app:*"}} {
		b.Run(name, func(b *testing.B) {
			table := command.NewTable(commandTable())
			u, _, err := acl.New(table, func() bool { return false }).Set("u", append([]string{"on"}, rules...))
			if err != nil {
				b.Fatal(err)
			}
			cl := &client{}
			cl.user.Store(u)
			args := [][]byte{[]byte("SET"), []byte("app:1"), []byte("v")}
			r := table.ByName["set"]
			b.ReportAllocs()
			for b.Loop() {
				if !cl.mayAll() && cl.permitted(r, args, "toplevel").Kind != command.KindNone {
					b.Fatal("denied")
				}
			}
		})
	}
}
