package aof

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// maxManifestBytes is far beyond what a server with a file for each second of a year would write.
const maxManifestBytes = 16 << 20

func readManifest(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxManifestBytes+1))
	if err == nil && len(b) > maxManifestBytes {
		most := fmt.Sprintf("at most %d bytes", maxManifestBytes)
		err = &Error{File: path, Found: "more", Expected: most, Err: ErrFormat}
	}
	return b, err
}

// parseManifest returns the files that a manifest lists, without their sizes. They are beside it.
func parseManifest(path string, b []byte) (*Set, error) {
	s := &Set{Manifest: path}
	offset := 0
	for line := range strings.Lines(string(b)) {
		fault := func(expected string) error {
			found := fmt.Sprintf("%.100q", line)
			return &Error{File: path, Offset: int64(offset), Found: found, Expected: expected, Err: ErrFormat}
		}
		if !strings.HasPrefix(line, "#") {
			p, expected := manifestLine(strings.TrimSpace(line))
			if expected == "" {
				expected = s.add(p)
			}
			if expected != "" {
				return nil, fault(expected)
			}
		}
		offset += len(line)
	}
	if len(s.Parts)+len(s.History) == 0 {
		return nil, &Error{File: path, Found: "nothing", Expected: "a line for each file", Err: ErrFormat}
	}
	return s, nil
}

// add takes in a file and returns what was expected instead of it, "" when it is right.
func (s *Set) add(p Part) (expected string) {
	p.Path = filepath.Join(filepath.Dir(s.Manifest), p.Path)
	last := Part{}
	if n := len(s.Parts); n > 0 {
		last = s.Parts[n-1]
	}
	switch p.Kind {
	case History:
		s.History = append(s.History, p)
		return ""
	case Base:
		// The base comes first whatever its line's place is.
		if len(s.Parts) > 0 && s.Parts[0].Kind == Base {
			return "one base"
		}
		s.Parts = append([]Part{p}, s.Parts...)
		return ""
	}
	if last.Kind == Incr && last.Seq >= p.Seq {
		return fmt.Sprintf("a number above %d", last.Seq)
	}
	s.Parts = append(s.Parts, p)
	return ""
}

// manifestLine reads a line. Names that are not known belong to newer versions and do no harm.
func manifestLine(line string) (p Part, expected string) {
	const form = "file NAME seq NUMBER type b, i or h"
	words, ok := splitWords(line)
	if !ok || len(words) < 6 || len(words)%2 != 0 {
		return p, form
	}
	for i := 0; i < len(words); i += 2 {
		value := words[i+1]
		switch strings.ToLower(words[i]) {
		case "file":
			if value == "" || value == "." || value == ".." || strings.ContainsAny(value, "/\\\x00") {
				return p, "the name of a file without a directory"
			}
			p.Path = value
		case "seq":
			n, err := strconv.ParseInt(value, 10, 64)
			if err != nil || n < 1 {
				return p, "a number from 1 on after seq"
			}
			p.Seq = n
		case "type":
			if value != "b" && value != "i" && value != "h" {
				return p, "b, i or h after type"
			}
			p.Kind = Kind(value[0])
		}
	}
	if p.Path == "" || p.Seq == 0 || p.Kind == 0 {
		return p, form
	}
	return p, ""
}

// splitWords splits a line at spaces. A word in double quotes has the escapes that Redis writes: \n \r \t \a \b \" \\
// \xHH.
func splitWords(line string) (words []string, ok bool) {
	for line = strings.TrimLeft(line, " \t"); line != ""; line = strings.TrimLeft(line, " \t") {
		if line[0] != '"' {
			word, rest, _ := strings.Cut(line, " ")
			words, line = append(words, word), rest
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return nil, false
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, false
		}
		words, line = append(words, word), line[len(quoted):]
	}
	return words, true
}
