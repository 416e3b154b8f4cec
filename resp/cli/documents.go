package cli

import (
	"slices"
	"strings"
)

// A document is what the server says of a command, or of a subcommand, in COMMAND DOCS.
type document struct {
	name    string   // CONFIG GET
	words   []string // CONFIG, GET
	params  string   // parameter [parameter ...]
	summary string
	since   string
	group   string
}

// documents are all of a server's commands, by name.
type documents struct {
	commands []document
	groups   []string
}

// load asks for COMMAND DOCS if that has not been answered yet. A server before 7.0 does not know it, and one that
// wants a password first answers later: then there are none.
func (s *session) loadDocuments() {
	if s.docs != nil || s.conn == nil || s.inMulti {
		return
	}
	r, err := s.ask([]string{"COMMAND", "DOCS"})
	if err != nil {
		s.disconnect() // the next command finds a new connection
		return
	}
	if r.kind == '*' || r.kind == '%' {
		s.docs = parseDocuments(r)
	}
}

// known are the documents that are there, which may be none.
func (s *session) known() *documents {
	if s.docs == nil {
		return &documents{}
	}
	return s.docs
}

func parseDocuments(r reply) *documents {
	d := &documents{}
	d.add(r)
	slices.SortFunc(d.commands, func(a, b document) int { return strings.Compare(a.name, b.name) })
	slices.Sort(d.groups)
	d.groups = slices.Compact(d.groups)
	return d
}

// add adds the commands of a map from names to what is known of them.
func (d *documents) add(commands reply) {
	for i := 0; i+1 < len(commands.items); i += 2 {
		about := commands.items[i+1]
		name := strings.ToUpper(strings.ReplaceAll(string(commands.items[i].text), "|", " "))
		c := document{
			name: name, words: strings.Fields(name), summary: about.field("summary").String(),
			since: about.field("since").String(), group: about.field("group").String(),
		}
		c.params = joinArguments(about.field("arguments").items, " ")
		d.commands = append(d.commands, c)
		if c.group != "" {
			d.groups = append(d.groups, c.group)
		}
		d.add(about.field("subcommands"))
	}
}

// field is the value of a name in a map, which in RESP2 is an array of names and values.
func (r reply) field(name string) reply {
	for i := 0; i+1 < len(r.items); i += 2 {
		if string(r.items[i].text) == name {
			return r.items[i+1]
		}
	}
	return reply{}
}

func (r reply) String() string { return string(r.text) }

func joinArguments(args []reply, separator string) string {
	var words []string
	for _, arg := range args {
		words = append(words, argumentText(arg))
	}
	return strings.Join(words, separator)
}

// argumentText writes an argument as Redis's documentation does:
//
//	key   [NX|XX]   [LIMIT count]   key [key ...]   [GET pattern [GET pattern ...]]
func argumentText(arg reply) string {
	token := arg.field("token").String()
	var text string
	switch arg.field("type").String() {
	case "oneof":
		text = joinArguments(arg.field("arguments").items, "|")
	case "block":
		text = joinArguments(arg.field("arguments").items, " ")
	case "pure-token":
		if text, token = token, ""; text == "" {
			text = `""` // MIGRATE's empty key
		}
	default:
		if text = arg.field("display_text").String(); text == "" {
			text = arg.field("name").String()
		}
	}
	var optional, multiple, multipleToken bool
	for _, flag := range arg.field("flags").items {
		switch flag.String() {
		case "optional":
			optional = true
		case "multiple":
			multiple = true
		case "multiple_token":
			multipleToken = true
		}
	}
	first := text
	if token != "" {
		first = token + " " + text
	}
	switch {
	case multiple && multipleToken:
		text = first + " [" + first + " ...]"
	case multiple:
		text = first + " [" + text + " ...]"
	default:
		text = first
	}
	if optional {
		return "[" + text + "]"
	}
	return text
}
