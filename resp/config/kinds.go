package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	errConfigWordCount = errors.New("wrong number of arguments")
	errConfigFileName  = errors.New("dbfilename can't be a path, just a filename")
	errConfigYesNo     = errors.New("argument must be 'yes' or 'no'")
)

// A setting is a parameter's value: as CONFIG GET shows it, and as a number where it is one
// (yes 1, no 0; a memory size in bytes; a percentage is negative).
type setting struct {
	text   string // as CONFIG GET shows it
	number int64
	conf   string // as a conf file has it, where text leaves something out; "" = as text
}

// A valueKind says what a parameter's value may be.
type valueKind struct {
	// parse turns the words of a value into a setting. old is the setting's text until now, for
	// kinds whose words change a part of it. Error texts are Redis 7's.
	parse  func(words []string, old string) (setting, error)
	many   bool // takes any number of words; else exactly one
	adds   bool // in a file, a further line adds to those before it
	merges bool // a further line and a CONFIG SET change a part of it; no words empty it
}

// apply parses the words of one line or of one CONFIG SET value.
func (k valueKind) apply(words []string, old string) (setting, error) {
	if !k.many && len(words) != 1 {
		return setting{}, errConfigWordCount
	}
	if k.many && len(words) == 1 { // `--save "900 1"`, CONFIG SET save "900 1"
		words = splitSpaces(words[0])
	}
	return k.parse(words, old)
}

// splitSpaces cuts at every single space, so that doubled spaces give empty words (which
// most kinds refuse), as Redis does. An empty text has no words.
func splitSpaces(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(text, " ")
}

// oneWord is a kind of exactly one word.
func oneWord(parse func(word string) (setting, error)) valueKind {
	return valueKind{parse: func(words []string, _ string) (setting, error) { return parse(words[0]) }}
}

var anyText = oneWord(func(word string) (setting, error) { return setting{text: word}, nil })

// fileName is one without a directory.
var fileName = oneWord(func(word string) (setting, error) {
	if strings.ContainsRune(word, '/') {
		return setting{}, errConfigFileName
	}
	return setting{text: word}, nil
})

// anyWords takes several.
var anyWords = valueKind{many: true, parse: func(words []string, _ string) (setting, error) {
	return setting{text: strings.Join(words, " ")}, nil
}}

var yesOrNo = oneWord(func(word string) (setting, error) {
	switch strings.ToLower(word) {
	case "yes":
		return setting{text: "yes", number: 1}, nil
	case "no":
		return setting{text: "no", number: 0}, nil
	}
	return setting{}, errConfigYesNo
})

// alwaysYes takes a yes or no and remains yes; its number is what was said, and a conf file keeps that.
var alwaysYes = oneWord(func(word string) (setting, error) {
	said, err := yesOrNo.parse([]string{word}, "")
	return setting{text: "yes", number: said.number, conf: said.text}, err
})

// neverBut is for a promise that can not be kept: any value but the harmless ones ends the
// start (or CONFIG SET) with the reason. The first harmless value is the one shown.
func neverBut(reason string, harmless ...string) valueKind {
	return valueKind{many: true, parse: func(words []string, _ string) (setting, error) {
		if slices.Contains(harmless, strings.ToLower(strings.Join(words, " "))) {
			return setting{text: harmless[0]}, nil
		}
		return setting{}, errors.New(reason)
	}}
}

// IsMasterHost reports whether a text may stand for a master's host: a name or an address, which a conf file can hold.
// Redis takes any text, and finds out when it connects.
func IsMasterHost(text string) bool {
	return text != "" && len(text) <= 255 && !strings.ContainsFunc(text, func(r rune) bool {
		return r <= ' ' || r == 0x7f || r == '"' || r == '\'' || r == '\\' || r == utf8.RuneError
	})
}

// master is a host and a port, or no one.
var master = valueKind{many: true, parse: func(words []string, _ string) (setting, error) {
	switch {
	case len(words) == 0 || len(words) == 1 && words[0] == "":
		return setting{}, nil
	case len(words) != 2:
		return setting{}, errConfigWordCount
	case strings.EqualFold(words[0], "no") && strings.EqualFold(words[1], "one"):
		return setting{}, nil
	}
	if port, err := strconv.Atoi(words[1]); err != nil || port < 0 || port > 65535 {
		return setting{}, errors.New("Invalid master port")
	}
	if !IsMasterHost(words[0]) {
		return setting{}, errors.New("Invalid master host")
	}
	return setting{text: words[0] + " " + words[1]}, nil
}}

func oneOf(names ...string) valueKind {
	return oneWord(func(word string) (setting, error) {
		word = strings.ToLower(word)
		if !slices.Contains(names, word) {
			return setting{}, errConfigNotOneOf(names)
		}
		return setting{text: word}, nil
	})
}

func errConfigNotOneOf(names []string) error {
	return fmt.Errorf("argument(s) must be one of the following: %s", strings.Join(names, ", "))
}

// directoryPath is made absolute at once: the working directory does not change later.
var directoryPath = oneWord(func(word string) (setting, error) {
	path, err := filepath.Abs(word)
	return setting{text: path}, err
})
