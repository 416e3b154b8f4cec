package wire

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
)

// framings are byte streams and what redis-server 7.0.15 made of them (recorded over raw
// sockets with proto-max-bulk-len 1mb). A stream without an error leaves it waiting for
// more, which here is io.EOF.
var framings = []struct {
	name, bytes string
	commands    [][]string
	text        string
}{
	{"two commands follow each other", "*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", commandsOf("PING", "GET k"), ""},
	{"an unfinished command waits", "*2\r\n$4\r\nECHO\r\n$1\r\na\r", nil, ""},
	{"an empty argument is one", "*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", [][]string{{"ECHO", ""}}, ""},
	{"an empty command name is one", "*1\r\n$0\r\n\r\nPING\r\n", [][]string{{""}, {"PING"}}, ""},
	{"an argument may hold any byte", "*2\r\n$4\r\nECHO\r\n$7\r\n\r\n*1\x00\xff$\r\n", [][]string{{"ECHO", "\r\n*1\x00\xff$"}}, ""},
	{"a count of zero is skipped", "*0\r\nPING\r\n", commandsOf("PING"), ""},
	{"a count of minus one is skipped", "*-1\r\nPING\r\n", commandsOf("PING"), ""},
	{"the smallest count is skipped", "*-9223372036854775808\r\nPING\r\n", commandsOf("PING"), ""},
	{"a smaller count is refused", "*-9223372036854775809\r\nPING\r\n", nil, "invalid multibulk length"},
	{"the largest count is waited for", "*2147483647\r\n$1\r\na\r\n", nil, ""},
	{"a larger count is refused", "*2147483648\r\n", nil, "invalid multibulk length"},
	{"the largest 64-bit count is refused", "*9223372036854775807\r\n", nil, "invalid multibulk length"},
	{"a count beyond 64 bits is refused", "*9223372036854775808\r\n", nil, "invalid multibulk length"},
	{"a count of 20 digits is refused", "*18446744073709551617\r\n", nil, "invalid multibulk length"},
	{"a count without digits is refused", "*\r\n", nil, "invalid multibulk length"},
	{"a lone minus is refused", "*-\r\n", nil, "invalid multibulk length"},
	{"minus zero is refused", "*-0\r\n", nil, "invalid multibulk length"},
	{"a plus sign is refused", "*+1\r\n", nil, "invalid multibulk length"},
	{"leading zeros are refused", "*01\r\n", nil, "invalid multibulk length"},
	{"a doubled zero is refused", "*00\r\n", nil, "invalid multibulk length"},
	{"a blank before the count is refused", "* 1\r\n", nil, "invalid multibulk length"},
	{"a blank behind the count is refused", "*1 \r\n", nil, "invalid multibulk length"},
	{"letters are no count", "*abc\r\n", nil, "invalid multibulk length"},
	{"a count line needs its CR", "*1\n$4\r\nPING\r\n", nil, "invalid multibulk length"},
	{"the byte behind the CR of a count is not looked at", "*1\rX$4\r\nPING\r\n", commandsOf("PING"), ""},
	{"the byte behind the CR of a length is not looked at", "*1\r\n$4\rXPING\r\n", commandsOf("PING"), ""},
	{"the two bytes behind an argument are not looked at", "*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n", commandsOf("PING", "PING"), ""},
	{"an LF in front of a length does not end its line", "*1\rX$4\rY\nPING\r\n", [][]string{{"\nPIN"}}, ""},
	{"a length needs its dollar", "*1\r\n:4\r\n", nil, "expected '$', got ':'"},
	{"a missing dollar shows only with the whole line", "*1\r\n:4", nil, ""},
	{"a nested count is refused", "*2\r\n$4\r\nECHO\r\n*2\r\n", nil, "expected '$', got '*'"},
	{"a CR instead of a length shows as a blank", "*1\r\n\r\n", nil, "expected '$', got ' '"},
	{"an LF instead of a length shows as a blank", "*1\r\n\n\r\n", nil, "expected '$', got ' '"},
	{"a quote instead of a length shows as it is", "*1\r\n'\r\n", nil, "expected '$', got '''"},
	{"a high byte instead of a length shows as it is", "*1\r\n\xff\r\n", nil, "expected '$', got '\xff'"},
	{"a length of minus one is refused", "*1\r\n$-1\r\n", nil, "invalid bulk length"},
	{"a length of minus zero is refused", "*1\r\n$-0\r\n", nil, "invalid bulk length"},
	{"a length of two zeros is refused", "*1\r\n$00\r\n", nil, "invalid bulk length"},
	{"a length without digits is refused", "*1\r\n$\r\n", nil, "invalid bulk length"},
	{"letters are no length", "*1\r\n$abc\r\n", nil, "invalid bulk length"},
	{"a length of proto-max-bulk-len is waited for", "*1\r\n$1048576\r\n", nil, ""},
	{"a larger length is refused", "*1\r\n$1048577\r\n", nil, "invalid bulk length"},
	{"a length near 2^63 is refused", "*1\r\n$9223372036854775806\r\nx\r\n", nil, "invalid bulk length"},
	{"a length beyond 64 bits is refused", "*1\r\n$99999999999999999999\r\n", nil, "invalid bulk length"},
	{"a count line of 64 KiB is waited for", "*" + strings.Repeat("1", 65535), nil, ""},
	{"a longer count line is refused", "*" + strings.Repeat("1", 65536), nil, "too big mbulk count string"},
	{"a length line of 64 KiB is waited for", "*1\r\n$" + strings.Repeat("1", 65535), nil, ""},
	{"a longer length line is refused", "*1\r\n$" + strings.Repeat("1", 65536), nil, "too big bulk count string"},
	{"an inline command of 64 KiB is waited for", strings.Repeat("A", 65536), nil, ""},
	{"an inline command of 64 KiB is served", strings.Repeat("A", 65536) + "\r\n", commandsOf(strings.Repeat("A", 65536)), ""},
	{"an inline command of 64 KiB waits for half of its end", strings.Repeat("A", 65536) + "\r", nil, ""},
	{"a longer inline command is refused", strings.Repeat("A", 65537), nil, "too big inline request"},
	{"a longer inline command is refused when it is whole", strings.Repeat("A", 65537) + "\r\n", nil, "too big inline request"},
	{"commands in front of an error are served", "PING\r\n*0\r\n*x\r\nPING\r\n", commandsOf("PING"), "invalid multibulk length"},

	{"an inline command ends with LF or CRLF", "PING\nECHO a\r\n", commandsOf("PING", "ECHO a"), ""},
	{"empty lines are skipped", "\r\n\n  \r\nPING\r\n", commandsOf("PING"), ""},
	{"blanks around words are skipped", "\t ECHO \v a \r\r\n", commandsOf("ECHO a"), ""},
	{"a CR inside a line separates words", "ECHO\ra\r\n", commandsOf("ECHO a"), ""},
	{"a vertical tab inside a word belongs to it", "ECHO a\vb\r\n", commandsOf("ECHO a\vb"), ""},
	{"a star behind a blank is a word", " *1\r\n", commandsOf("*1"), ""},
	{"high bytes are no blanks", "ECHO \x80\xff\xa0\x85\r\n", commandsOf("ECHO \x80\xff\xa0\x85"), ""},
	{"double quotes decode escapes", `ECHO "a\x41\n\r\t\b\a\q\"\x4g"` + "\r\n", [][]string{{"ECHO", "aA\n\r\t\b\aq\"x4g"}}, ""},
	{"a hex escape is lower case x", `ECHO "\xaF\XAF\xZZ\x00"` + "\r\n", [][]string{{"ECHO", "\xafXAFxZZ\x00"}}, ""},
	{"single quotes decode only their own", `ECHO 'a\'b\n\x41'` + "\r\n", [][]string{{"ECHO", `a'b\n\x41`}}, ""},
	{"a quote may open inside a word", `ECHO a"b c" d'e f'` + "\r\n", [][]string{{"ECHO", "ab c", "de f"}}, ""},
	{"quotes hold empty words", `ECHO "" ''` + "\r\n", [][]string{{"ECHO", "", ""}}, ""},
	{"quotes may hold the name", "\"PING\"\r\n''\r\n", [][]string{{"PING"}, {""}}, ""},
	{"a quote keeps a CR", "ECHO \"a\r\"\r\n", [][]string{{"ECHO", "a\r"}}, ""},
	{"a closed quote may be followed by any blank", "ECHO \"a\"\vb\r\n", commandsOf("ECHO a b"), ""},
	{"a closed double quote ends its word", `ECHO "a"b` + "\r\n", nil, "unbalanced quotes in request"},
	{"a closed single quote ends its word", `ECHO 'a'b` + "\r\n", nil, "unbalanced quotes in request"},
	{"an open double quote is refused", `ECHO "a` + "\r\n", nil, "unbalanced quotes in request"},
	{"an open single quote is refused", `ECHO 'a` + "\r\n", nil, "unbalanced quotes in request"},
	{"a quote that opens at the end is refused", `ECHO a"` + "\r\n", nil, "unbalanced quotes in request"},
	{"a backslash does not escape the end", `ECHO "a\` + "\r\n", nil, "unbalanced quotes in request"},
	{"a cut hex escape does not close the quote", `ECHO "a\x4` + "\r\n", nil, "unbalanced quotes in request"},
	{"an open quote is not noticed before its line ends", `ECHO "a`, nil, ""},

	// Redis waits for ever here, for it looks for the end of a line with strchr.
	{"a NUL byte does not hide the end of a line", "ECHO a\x00b\r\n*3\x00\r\n", commandsOf("ECHO a\x00b"), "invalid multibulk length"},
}

func TestStreamsAreFramedAsRedisDoes(t *testing.T) {
	for _, f := range framings {
		t.Run(f.name, func(t *testing.T) {
			for how, pieces := range map[string][]string{"at once": {f.bytes}, "byte by byte": byteByByte(f.bytes)} {
				g := guardOf(true, pieces...)
				g.limits.MaxBulkBytes.Store(1 << 20)
				wantErrorAndCommands(t, how, g, f.commands, f.text)
			}
		})
	}
}

func wantErrorAndCommands(t *testing.T, how string, g *Guard, want [][]string, text string) {
	t.Helper()
	commands, err := readAll(g, 100)
	if !reflect.DeepEqual(commands, want) {
		t.Errorf("%s: commands %q, want %q", how, commands, want)
	}
	var broken *ProtocolError
	switch {
	case text == "" && err != io.EOF:
		t.Errorf("%s: error %v, want none but EOF", how, err)
	case text != "" && !errors.As(err, &broken), text != "" && err.Error() != "Protocol error: "+text:
		t.Errorf("%s: error %q, want %q", how, err, text)
	}
}

func TestBeforeAuthOnlySmallCommandsPass(t *testing.T) {
	for _, f := range []struct{ name, bytes, text string }{
		{"ten arguments are waited for", "*10\r\n", ""},
		{"eleven are refused", "*11\r\n", "unauthenticated multibulk length"},
		{"a million are refused", "*1048577\r\n", "unauthenticated multibulk length"},
		{"a count that nobody may send is invalid", "*2147483648\r\n", "invalid multibulk length"},
		{"16 KiB are waited for", "*1\r\n$16384\r\n", ""},
		{"one byte more is refused", "*1\r\n$16385\r\n", "unauthenticated bulk length"},
		{"a length that nobody may send is invalid", "*1\r\n$99999999999\r\n", "invalid bulk length"},
	} {
		t.Run(f.name, func(t *testing.T) {
			wantErrorAndCommands(t, "at once", guardOf(false, f.bytes), nil, f.text)
		})
	}
}

func commandsOf(commands ...string) (split [][]string) {
	for _, c := range commands {
		split = append(split, strings.Split(c, " "))
	}
	return split
}
