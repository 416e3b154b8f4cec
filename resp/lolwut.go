package resp

import (
	"math/rand/v2"
	"strings"

	"diskette/resp/command"
)

// lolwut draws a diskette whose magnetic surface is different each time. Redis's versions of the
// drawing (LOLWUT VERSION 5) are not followed, but their number is checked.
func lolwut(_ *client, c *command.Call) command.Reply {
	if len(c.Args) > 2 && c.Is(1, "version") {
		if _, ok := c.Int(2); !ok {
			return command.ErrNotInteger
		}
	}
	return command.Verbatim(diskette() + "\nDiskette ver. " + Version + "\nRedis ver. " + RedisVersion + "\n")
}

// diskette is drawn in lines of 29 characters: the shutter, the surface, the label.
func diskette() string {
	const tracks, width = 5, 21
	var b strings.Builder
	b.WriteString(" ___________________________\n")
	b.WriteString("|  |   |   .-------.  |   | \\\n")
	b.WriteString("|  |   |   |  [ ]  |  |   |  |\n")
	b.WriteString("|  |___|___'-------'__|___|  |\n")
	for range tracks {
		b.WriteString("|   ")
		for range width {
			b.WriteByte(" .:-=+*#"[min(rand.IntN(8), rand.IntN(8)+2)])
		}
		b.WriteString("    |\n")
	}
	b.WriteString("|   _____________________    |\n")
	b.WriteString("|  | what you stored is  |   |\n")
	b.WriteString("|  | still there         |   |\n")
	b.WriteString("|__|_____________________|___|\n")
	return b.String()
}
