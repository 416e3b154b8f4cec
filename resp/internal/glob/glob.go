package glob

// maxStars is how deep Redis goes into a pattern.
const maxStars = 1000

// Match is Redis's glob: * any bytes, ? one byte, [abc] [a-z] [^a-z] one of a class or not,
// backslash takes the next byte as it is. A class that is never closed ends with the pattern.
//
// Only the last * seen is ever tried again, since whatever an earlier one could still take that one can take
// too: the cost is at most len(pattern) * len(s), whatever the pattern. A pattern with more than maxStars of
// them matches nothing, as in Redis, neighbours being one and the last not counting at the pattern's end.
func Match(pattern, s []byte) bool {
	if len(s) == 0 {
		return len(pattern) == 0 // Redis: not even * matches the empty name; KEYS and SCAN know * by itself
	}
	p, i := 0, 0
	stars, star, retry := 0, -1, 0 // how many; the pattern after the last *, and where in s it was tried
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			for p < len(pattern) && pattern[p] == '*' {
				p++
			}
			if p == len(pattern) {
				return true
			}
			if stars++; stars > maxStars {
				return false
			}
			star, retry = p, i
			continue
		}
		if p < len(pattern) {
			if length, ok := oneByte(pattern[p:], s[i]); ok {
				p += length
				i++
				continue
			}
		}
		if star < 0 {
			return false
		}
		retry++
		p, i = star, retry
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// oneByte compares one byte with the first element of a pattern, which is not empty
// and begins with no *; length is the element's.
func oneByte(pattern []byte, b byte) (length int, ok bool) {
	switch {
	case pattern[0] == '?':
		return 1, true
	case pattern[0] == '[':
		return class(pattern, b)
	case pattern[0] == '\\' && len(pattern) > 1:
		return 2, pattern[1] == b
	}
	return 1, pattern[0] == b
}

// class is oneByte for an element that begins with [.
func class(pattern []byte, b byte) (length int, ok bool) {
	i := 1
	not := i < len(pattern) && pattern[i] == '^'
	if not {
		i++
	}
	in := false
	for ; i < len(pattern); i++ {
		switch left := len(pattern) - i; {
		case pattern[i] == '\\' && left >= 2:
			i++
			in = in || pattern[i] == b
		case pattern[i] == ']':
			return i + 1, in != not
		case left >= 3 && pattern[i+1] == '-': // even before a ]
			low, high := pattern[i], pattern[i+2]
			in = in || min(low, high) <= b && b <= max(low, high)
			i += 2
		default:
			in = in || pattern[i] == b
		}
	}
	return len(pattern), in != not
}

// Prefix is what every match of a pattern begins with.
func Prefix(pattern []byte) string {
	var prefix []byte
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '*', '?', '[':
			return string(prefix)
		case '\\':
			if i+1 < len(pattern) {
				i++
			}
		}
		prefix = append(prefix, pattern[i])
	}
	return string(prefix)
}
