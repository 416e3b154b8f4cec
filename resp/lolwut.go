package resp

import (
	"math/rand/v2"
	"strings"
)

// lolwut draws a diskette whose magnetic surface is different each time. Redis's versions of the
// drawing (LOLWUT VERSION 5) are not followed, but their number is checked.
func lolwut(_ *client, c *call) Reply {
	if len(c.args) > 2 && c.is(1, "version") {
		if _, ok := c.int(2); !ok {
			return errNotInteger
		}
	}
	return verbatim(diskette() + "\nDiskette ver. " + Version + "\nRedis ver. " + RedisVersion + "\n")
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
