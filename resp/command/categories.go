package command

import "strings"

// CategoryNames are the ACL categories in the order in which COMMAND INFO shows them.
var CategoryNames = []string{
	"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream",
	"pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
}

// groupCategories are the categories that a command's group implies. The server group implies none.
var groupCategories = map[string]string{
	"generic": "keyspace", "string": "string", "hash": "hash", "list": "list", "set": "set", "sorted-set": "sortedset",
	"stream": "stream", "bitmap": "bitmap", "hyperloglog": "hyperloglog", "geo": "geo", "pubsub": "pubsub",
	"transactions": "transaction", "connection": "connection", "scripting": "scripting",
}

// categories are the row's ACL categories: those of its group and flags, changed by Row.Cats.
func (r *Row) categories() (names []string) {
	in := map[string]bool{groupCategories[r.Group]: true}
	for _, implied := range []struct {
		flag Flags
		name string
	}{
		{Write, "write"}, {Readonly, "read"}, {Admin, "admin"}, {Admin, "dangerous"}, {Pubsub, "pubsub"},
		{Fast, "fast"}, {Blocking, "blocking"},
	} {
		if r.Flags&implied.flag != 0 {
			in[implied.name] = true
		}
	}
	in["slow"] = r.Flags&Fast == 0
	for _, word := range strings.Fields(r.Cats) {
		name, without := strings.CutPrefix(word, "-")
		in[name] = !without
	}
	for _, name := range CategoryNames {
		if in[name] {
			names = append(names, name)
		}
	}
	return names
}

// IsIn reports whether the row has an ACL category.
func (r *Row) IsIn(category string) bool {
	for _, name := range r.categories() {
		if strings.EqualFold(name, category) {
			return true
		}
	}
	return false
}
