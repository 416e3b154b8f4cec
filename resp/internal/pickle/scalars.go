package pickle

import (
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"strconv"
	"unicode/utf8"
)

// mostDigits bounds integers: their text would take time with the square of their length.
const mostDigits = 4300

func (m *machine) textNumber(op byte) error {
	line, err := m.line()
	if err != nil {
		return err
	}
	switch {
	case op == 'I' && line == "00":
		return m.push(false)
	case op == 'I' && line == "01":
		return m.push(true)
	case op == 'F':
		f, err := strconv.ParseFloat(line, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return malformed("%.40q is no number", line)
		}
		return m.push(f)
	case op == 'L' && len(line) > 0 && line[len(line)-1] == 'L':
		line = line[:len(line)-1]
	}
	n, ok := new(big.Int), false
	if len(line) <= mostDigits {
		n, ok = n.SetString(line, 10)
	}
	if !ok {
		return malformed("%.40q is no integer", line)
	}
	return m.push(n)
}

func (m *machine) binaryNumber(op byte) error {
	if op == 0x8a || op == 0x8b {
		width := 1
		if op == 0x8b {
			width = 4
		}
		b, err := m.sized(width)
		if err != nil {
			return err
		}
		if len(b) > mostDigits/3 {
			return malformed("an integer of %d bytes", len(b))
		}
		return m.push(twosComplement(b))
	}
	n, err := m.number(map[byte]int{'J': 4, 'K': 1, 'M': 2, 'G': 8}[op])
	switch {
	case err != nil:
		return err
	case op == 'J':
		return m.push(big.NewInt(int64(int32(uint32(n)))))
	case op == 'G':
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], n)
		return m.push(math.Float64frombits(binary.BigEndian.Uint64(b[:])))
	}
	return m.push(big.NewInt(int64(n)))
}

// twosComplement is an integer of little-endian bytes.
func twosComplement(b []byte) *big.Int {
	be := make([]byte, len(b))
	for i, c := range b {
		be[len(b)-1-i] = c
	}
	n := new(big.Int).SetBytes(be)
	if len(b) > 0 && b[len(b)-1]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

func (m *machine) text(op byte) error {
	if op == 'S' || op == 'V' {
		line, err := m.line()
		if err == nil {
			var v Value
			if v, err = unescaped(op, line); err == nil {
				return m.push(v)
			}
		}
		return err
	}
	width := map[byte]int{'T': 4, 'U': 1, 'X': 4, 0x8c: 1, 0x8d: 8, 'B': 4, 'C': 1, 0x8e: 8, 0x96: 8}[op]
	b, err := m.sized(width)
	if err != nil {
		return err
	}
	switch op {
	case 'X', 0x8c, 0x8d:
		return m.push(string(b))
	case 'T', 'U': // Python 2's str: text if it is some
		if utf8.Valid(b) {
			return m.push(string(b))
		}
	}
	return m.push(Bytes(b))
}

// unescaped reads text of protocol 0: S in Python's quotes, V with \u escapes (raw-unicode-escape).
func unescaped(op byte, line string) (Value, error) {
	if op == 'S' {
		n := len(line)
		if n < 2 || line[0] != line[n-1] || line[0] != '\'' && line[0] != '"' {
			return nil, malformed("%.40q is not in quotes", line)
		}
		var out []byte
		for rest := line[1 : n-1]; rest != ""; {
			r, multibyte, tail, err := strconv.UnquoteChar(rest, 0)
			if err != nil {
				if len(rest) < 2 || rest[0] != '\\' || rest[1] != '\'' && rest[1] != '"' {
					return nil, malformed("%.40q has an escape that is unknown", line)
				}
				r, multibyte, tail = rune(rest[1]), false, rest[2:]
			}
			if multibyte {
				out = utf8.AppendRune(out, r)
			} else {
				out = append(out, byte(r))
			}
			rest = tail
		}
		if utf8.Valid(out) {
			return string(out), nil
		}
		return Bytes(out), nil
	}
	var out []byte
	for i := 0; i < len(line); {
		digits := 0
		if line[i] == '\\' && i+1 < len(line) {
			digits = map[byte]int{'u': 4, 'U': 8}[line[i+1]]
		}
		if digits == 0 {
			out = utf8.AppendRune(out, rune(line[i])) // Latin-1
			i++
			continue
		}
		if i+2+digits > len(line) {
			return nil, malformed("%.40q has half an escape", line)
		}
		r, err := strconv.ParseUint(line[i+2:i+2+digits], 16, 32)
		if err != nil || r > utf8.MaxRune {
			return nil, malformed("%.40q has an escape that is none", line)
		}
		out = appendCodePoint(out, rune(r))
		i += 2 + digits
	}
	return string(out), nil
}

// appendCodePoint appends one in UTF-8, a lone surrogate as Python's surrogatepass does.
func appendCodePoint(b []byte, r rune) []byte {
	if r >= 0xd800 && r < 0xe000 {
		return append(b, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0x3f|0x80, 0x80|byte(r)&0x3f)
	}
	return utf8.AppendRune(b, r)
}
