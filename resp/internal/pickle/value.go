package pickle

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Value is nil, a bool, a *big.Int, a float64, a string, Bytes, a *List, a *Dict, or what only this package knows.
type Value any

// Bytes are Python's bytes or bytearray.
type Bytes []byte

// A List is a list, a tuple, a set, a frozenset or a deque.
type List struct{ Elements []Value }

// A Dict is a dict: key, value, key, value ...
type Dict struct{ Pairs []Value }

func (d *Dict) add(group []Value) error {
	if len(group)%2 != 0 {
		return malformed("a key without a value")
	}
	d.Pairs = append(d.Pairs, group...)
	return nil
}

// ErrTooLarge says that a value's JSON is longer than it may be, or nested deeper.
var ErrTooLarge = errors.New("longer or deeper than what is read")

// deepest is how deep collections may be nested in JSON.
const deepest = 500

// Text is a value as a string of Redis's: text, bytes and numbers as they are, everything else as JSON of at most so
// many bytes. In JSON tuples and sets are arrays, bytes {"base64": "..."}, keys that are no text their JSON, NaN and
// the infinities strings.
func Text(v Value, most int) ([]byte, error) {
	switch v := v.(type) {
	case string:
		return []byte(v), nil
	case *object:
		if v.text != "" {
			return []byte(v.text), nil
		}
	case Bytes:
		return v, nil
	case *big.Int:
		return []byte(v.String()), nil
	case float64:
		return []byte(Float(v)), nil
	}
	w := jsonWriter{most: most}
	err := w.value(v, 0)
	return w.out, err
}

// Float is a float as Python's repr has it.
func Float(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 0):
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(f, 'g', -1, 64), "+"))
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

type jsonWriter struct {
	out  []byte
	most int
}

func (w *jsonWriter) value(v Value, depth int) error {
	if depth > deepest || len(w.out) > w.most {
		return ErrTooLarge
	}
	switch v := v.(type) {
	case nil:
		w.out = append(w.out, "null"...)
	case bool:
		w.out = strconv.AppendBool(w.out, v)
	case *big.Int:
		w.out = v.Append(w.out, 10)
	case duration:
		w.out = append(w.out, Float(float64(v.micros)/1e6)...)
	case float64:
		switch {
		case math.IsNaN(v):
			w.text("NaN")
		case math.IsInf(v, 0):
			w.text(strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, 64), "+") + "inity")
		default:
			w.out = append(w.out, Float(v)...)
		}
	case string:
		w.text(v)
	case Bytes:
		w.out = append(w.out, `{"base64":"`...)
		w.out = append(base64.StdEncoding.AppendEncode(w.out, v), `"}`...)
	case zone:
		w.text("UTC" + v.String())
	case *List:
		w.out = append(w.out, '[')
		for i, e := range v.Elements {
			if i > 0 {
				w.out = append(w.out, ',')
			}
			if err := w.value(e, depth+1); err != nil {
				return err
			}
		}
		w.out = append(w.out, ']')
	case *Dict:
		return w.dict(v, depth)
	case class:
		return v.unknown()
	case *object:
		if v.text == "" {
			return v.unknown()
		}
		w.text(v.text)
	default:
		return malformed("a %T is no value", v)
	}
	return nil
}

func (w *jsonWriter) dict(d *Dict, depth int) error {
	w.out = append(w.out, '{')
	for i := 0; i < len(d.Pairs); i += 2 {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		if key, ok := d.Pairs[i].(string); ok {
			w.text(key)
		} else {
			k := jsonWriter{most: w.most - len(w.out)}
			if err := k.value(d.Pairs[i], depth+1); err != nil {
				return err
			}
			w.text(string(k.out))
		}
		w.out = append(w.out, ':')
		if err := w.value(d.Pairs[i+1], depth+1); err != nil {
			return err
		}
	}
	w.out = append(w.out, '}')
	return nil
}

// text writes a string. What JSON can not have as it stands is escaped, lone surrogates too.
func (w *jsonWriter) text(s string) {
	w.out = append(w.out, '"')
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			w.out = append(w.out, '\\', byte(r))
		case r < ' ':
			w.out = fmt.Appendf(w.out, `\u%04x`, r)
		case r == utf8.RuneError && n == 1 && i+2 < len(s) && s[i] == 0xed && s[i+1] >= 0xa0:
			w.out = fmt.Appendf(w.out, `\u%04x`, rune(s[i]&0xf)<<12|rune(s[i+1]&0x3f)<<6|rune(s[i+2]&0x3f))
			n = 3
		default:
			w.out = utf8.AppendRune(w.out, r)
		}
		i += n
	}
	w.out = append(w.out, '"')
}
