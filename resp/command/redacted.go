package command

import "diskette/resp/internal/words"

// noteTimeVaries finds the commands whose time depends on how much data they meet, and those of administrators, which
// come rarely. Commands on strings take a copy at most.
func (r *Row) noteTimeVaries() {
	r.TimeVaries = r.Flags&Admin != 0 || r.Cost != "" && r.Flags&Fast == 0 &&
		(r.Group != "string" || r.Name == "lcs") && r.Name != "del"
}

// Redacted is the arguments as logs and monitors may show them: passwords are not.
func (r *Row) Redacted(args [][]byte) [][]byte {
	var hidden func(i int) bool
	switch r.Full {
	case "auth":
		hidden = func(i int) bool { return i >= 1 }
	case "hello":
		hidden = func(i int) bool {
			return i > 2 && words.EqualFold(args[i-1], "auth") || i > 3 && words.EqualFold(args[i-2], "auth")
		}
	case "migrate":
		hidden = func(i int) bool {
			return i > 6 && words.EqualFold(args[i-1], "auth") || i > 6 && words.EqualFold(args[i-1], "auth2") ||
				i > 7 && words.EqualFold(args[i-2], "auth2")
		}
	case "acl|setuser":
		hidden = func(i int) bool { return i >= 2 }
	case "config|set":
		hidden = func(i int) bool { return i >= 3 && i%2 == 1 && secretSettings[words.Lower(args[i-1])] }
	default:
		return args
	}
	shown := make([][]byte, len(args))
	for i, a := range args {
		if hidden(i) {
			a = []byte("(redacted)")
		}
		shown[i] = a
	}
	return shown
}

// secretSettings are the parameters whose value is a password or who has it.
var secretSettings = map[string]bool{"requirepass": true, "masterauth": true, "masteruser": true,
	"tls-key-file-pass": true, "tls-client-key-file-pass": true}
