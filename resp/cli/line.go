package cli

import (
	"strconv"
	"strings"
)

// splitLine splits a typed line into arguments as redis-cli does. ok = false: a quote is not
// closed, or something other than a blank follows it. In "..." the escapes are \n \r \t \b \a,
// \xHH and \ before any other character; in '...' it is \' alone.
func splitLine(line string) (args []string, ok bool) {
	const blanks = " \t\r\n\v\f"
	for {
		line = strings.TrimLeft(line, blanks)
		if line == "" {
			return args, true
		}
		var arg []byte
		for line != "" && !strings.ContainsRune(blanks, rune(line[0])) {
			if line[0] != '"' && line[0] != '\'' {
				arg, line = append(arg, line[0]), line[1:]
				continue
			}
			if arg, line, ok = cutQuoted(arg, line); !ok {
				return nil, false
			}
			if line != "" && !strings.ContainsRune(blanks, rune(line[0])) {
				return nil, false
			}
		}
		args = append(args, string(arg))
	}
}

// cutQuoted appends the decoded text of the quotes that line starts with, and returns what
// follows them.
func cutQuoted(arg []byte, line string) (_ []byte, rest string, ok bool) {
	quote := line[0]
	for line = line[1:]; line != ""; {
		switch {
		case line[0] == quote:
			return arg, line[1:], true
		case line[0] == '\\' && len(line) > 1 && quote == '"':
			var c byte
			c, line = cutEscape(line)
			arg = append(arg, c)
		case strings.HasPrefix(line, `\'`) && quote == '\'':
			arg, line = append(arg, '\''), line[2:]
		default:
			arg, line = append(arg, line[0]), line[1:]
		}
	}
	return nil, "", false
}

// cutEscape decodes the escape that line starts with; line has two characters at least.
func cutEscape(line string) (c byte, rest string) {
	if line[1] == 'x' && len(line) >= len(`\xHH`) {
		if code, err := strconv.ParseUint(line[2:4], 16, 8); err == nil {
			return byte(code), line[4:]
		}
	}
	c, rest = line[1], line[2:]
	if i := strings.IndexByte("nrtba", c); i >= 0 {
		c = "\n\r\t\b\a"[i]
	}
	return c, rest
}
