package lualib

import (
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// FormatNumber formats as Lua does (C's %.14g).
func FormatNumber(n lua.LNumber) string {
	f := float64(n)
	if i := int64(f); float64(i) == f && i > -1e14 && i < 1e14 && (i != 0 || !math.Signbit(f)) {
		return strconv.FormatInt(i, 10)
	}
	return formatG(f, 14)
}

// formatG is C's %.<precision>g.
func formatG(f float64, precision int) string {
	switch {
	case math.IsNaN(f):
		if math.Signbit(f) {
			return "-nan"
		}
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	precision = max(precision, 1)
	e := strconv.FormatFloat(f, 'e', precision-1, 64)
	at := strings.LastIndexByte(e, 'e')
	exp, _ := strconv.Atoi(e[at+1:])
	if exp < -4 || exp >= precision {
		return trimZeros(e[:at]) + e[at:]
	}
	return trimZeros(strconv.FormatFloat(f, 'f', precision-1-exp, 64))
}

// trimZeros drops the zeros after a decimal point, and the point if nothing is left after it.
func trimZeros(s string) string {
	if strings.IndexByte(s, '.') < 0 {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}
