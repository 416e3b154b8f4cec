package resp

import "strings"

// categoryNames are the ACL categories in the order in which COMMAND INFO shows them.
var categoryNames = []string{
	"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo", "stream",
	"pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction", "scripting",
}

// groupCategories are the categories that a command's group implies. The server group implies none.
var groupCategories = map[string]string{
	"generic": "keyspace", "string": "string", "hash": "hash", "list": "list", "set": "set", "sorted-set": "sortedset",
	"stream": "stream", "bitmap": "bitmap", "hyperloglog": "hyperloglog", "geo": "geo", "pubsub": "pubsub",
	"transactions": "transaction", "connection": "connection", "scripting": "scripting",
}

// categories are the row's ACL categories: those of its group and flags, changed by row.cats.
func (r *row) categories() (names []string) {
	in := map[string]bool{groupCategories[r.group]: true}
	for _, implied := range []struct {
		flag flags
		name string
	}{
		{write, "write"}, {readonly, "read"}, {admin, "admin"}, {admin, "dangerous"}, {pubsub, "pubsub"}, {fast, "fast"}, {blocking, "blocking"},
	} {
		if r.flags&implied.flag != 0 {
			in[implied.name] = true
		}
	}
	in["slow"] = r.flags&fast == 0
	for _, word := range strings.Fields(r.cats) {
		name, without := strings.CutPrefix(word, "-")
		in[name] = !without
	}
	for _, name := range categoryNames {
		if in[name] {
			names = append(names, name)
		}
	}
	return names
}

// isIn reports whether the row has an ACL category.
func (r *row) isIn(category string) bool {
	for _, name := range r.categories() {
		if strings.EqualFold(name, category) {
			return true
		}
	}
	return false
}
