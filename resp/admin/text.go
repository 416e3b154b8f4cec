package admin

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// humanBytes is a size with its unit.
func humanBytes(n float64) string {
	units := []string{"bytes", "KB", "MB", "GB", "TB"}
	unit := 0
	for math.Abs(n) >= 1024 && unit < len(units)-1 {
		n, unit = n/1024, unit+1
	}
	if unit == 0 {
		return strconv.FormatFloat(n, 'f', 0, 64) + " bytes"
	}
	return fmt.Sprintf("%.1f %s", n, units[unit])
}

// humanCount is a number with its thousands apart.
func humanCount(n float64) string {
	text := strconv.FormatFloat(math.Round(n), 'f', 0, 64)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return sign + text
}

// humanMillis is a time span; n is in milliseconds.
func humanMillis(n float64) string {
	switch d := time.Duration(n * float64(time.Millisecond)); {
	case d < 10*time.Microsecond && d > 0:
		return strconv.FormatFloat(n*1000, 'f', 1, 64) + " µs"
	case d < time.Millisecond:
		return strconv.FormatFloat(n*1000, 'f', 0, 64) + " µs"
	case d < time.Second:
		return strconv.FormatFloat(n, 'f', 1, 64) + " ms"
	case d < time.Minute:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// showBytes is any text in a line, every byte of it visible: what is no printable character is escaped as in Go and C.
func showBytes(text string) string {
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x80 && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case !unicode.IsPrint(r): // also what would turn the line's direction
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteString(text[:size])
		}
		text = text[size:]
	}
	return b.String()
}

// keyID is a key's name in a URL.
func keyID(name string) string { return base64.RawURLEncoding.EncodeToString([]byte(name)) }

func keyOf(id string) (string, error) {
	name, err := base64.RawURLEncoding.DecodeString(id)
	return string(name), err
}

// The forms in which a value is shown.
const (
	formText = "text"
	formJSON = "json"
	formHex  = "hex"
)

// formOf is the form that fits a value best.
func formOf(text string, whole bool) string {
	trimmed := strings.TrimSpace(text)
	switch {
	case whole && (strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[")) && json.Valid([]byte(text)) && isShallow(text):
		return formJSON
	case isText(text, whole):
		return formText
	}
	return formHex
}

// isShallow reports whether JSON is nested so little that indenting it makes it not much longer.
func isShallow(text string) bool {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '{', '[':
			if depth++; depth > 50 {
				return false
			}
		case '}', ']':
			depth--
		}
	}
	return true
}

// isText reports whether people can read it. The last character of a part may be cut.
func isText(text string, whole bool) bool {
	if !whole {
		for n := 0; n < utf8.UTFMax && len(text) > 0 && !utf8.ValidString(text); n++ {
			text = text[:len(text)-1]
		}
	}
	return utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool {
		return !unicode.IsPrint(r) && r != '\n' && r != '\r' && r != '\t'
	}) < 0
}

// inForm writes a value in a form.
func inForm(text, form string) string {
	switch form {
	case formHex:
		return hex.Dump([]byte(text))
	case formJSON:
		var b bytes.Buffer
		if json.Indent(&b, []byte(text), "", "  ") == nil {
			text = b.String()
		}
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = showBytes(strings.TrimSuffix(line, "\r"))
	}
	return strings.Join(lines, "\n")
}
