package lualib

import (
	"math"

	"diskette/resp/lua"
)

func (s *State) mathLibrary() *lua.LTable {
	functions := map[string]lua.LGFunction{
		"frexp": s.frexp, "ldexp": s.ldexp, "max": s.extreme(func(a, b float64) bool { return a > b }),
		"min": s.extreme(func(a, b float64) bool { return a < b }), "modf": s.modf,
		"random": s.mathRandom, "randomseed": s.randomseed,
	}
	for name, fn := range map[string]func(float64) float64{
		"abs": math.Abs, "acos": math.Acos, "asin": math.Asin, "atan": math.Atan, "ceil": math.Ceil,
		"cos": math.Cos, "cosh": math.Cosh, "exp": math.Exp, "floor": math.Floor, "log": math.Log,
		"log10": math.Log10, "sin": math.Sin, "sinh": math.Sinh, "sqrt": math.Sqrt, "tan": math.Tan,
		"tanh": math.Tanh,
		"deg":  func(f float64) float64 { return f / (math.Pi / 180) },
		"rad":  func(f float64) float64 { return f * (math.Pi / 180) },
	} {
		functions[name] = func(L *lua.LState) int {
			a := s.checkNumber(L, 1)
			return push(L, result(fn(a), a))
		}
	}
	for name, fn := range map[string]func(a, b float64) float64{
		"atan2": math.Atan2, "fmod": math.Mod, "mod": math.Mod, "pow": lua.Pow,
	} {
		functions[name] = func(L *lua.LState) int {
			b := s.checkNumber(L, 2) // C's compilers look at the last argument first
			a := s.checkNumber(L, 1)
			return push(L, result(fn(a, b), a, b))
		}
	}
	library := s.library(functions, "abs", "acos", "asin", "atan2", "atan", "ceil", "cosh", "cos", "deg", "exp",
		"floor", "fmod", "frexp",
		"ldexp", "log10", "log", "max", "min", "modf", "pow", "rad", "random", "randomseed", "sinh", "sin", "sqrt",
		"tanh", "tan")
	library.RawSetString("pi", lua.LNumber(math.Pi))
	library.RawSetString("huge", lua.LNumber(math.Inf(1)))
	return library
}

// result is a function's, with C's sign where it is not a number: tostring shows it.
func result(f float64, args ...float64) lua.LNumber {
	if f == f {
		return lua.LNumber(f)
	}
	for _, a := range args {
		if a != a {
			return lua.LNumber(a)
		}
	}
	return lua.LNumber(math.Float64frombits(0xFFF8 << 48))
}

func (s *State) frexp(L *lua.LState) int {
	fraction, exponent := math.Frexp(s.checkNumber(L, 1))
	return push(L, lua.LNumber(fraction), lua.LNumber(exponent))
}

func (s *State) ldexp(L *lua.LState) int {
	exponent := s.checkInt(L, 2) // C's compilers look at the last argument first
	return push(L, lua.LNumber(math.Ldexp(s.checkNumber(L, 1), exponent)))
}

func (s *State) modf(L *lua.LState) int {
	f := s.checkNumber(L, 1)
	if math.IsInf(f, 0) {
		return push(L, lua.LNumber(f), lua.LNumber(math.Copysign(0, f)))
	}
	whole, fraction := math.Modf(f)
	return push(L, lua.LNumber(whole), lua.LNumber(fraction))
}

func (s *State) extreme(beats func(a, b float64) bool) lua.LGFunction {
	return func(L *lua.LState) int {
		best := s.checkNumber(L, 1)
		for i := 2; i <= L.GetTop(); i++ {
			if f := s.checkNumber(L, i); beats(f, best) {
				best = f
			}
		}
		return push(L, lua.LNumber(best))
	}
}

// mathRandom is redis_math_random: one sequence for all scripts, the same after every start.
func (s *State) mathRandom(L *lua.LState) int {
	r := float64(s.random.next()%rand48Max) / rand48Max
	switch L.GetTop() {
	case 0:
		return push(L, lua.LNumber(r))
	case 1:
		u := s.checkInt(L, 1)
		if u < 1 {
			s.argError(L, 1, "interval is empty")
		}
		return push(L, lua.LNumber(math.Floor(r*float64(u))+1))
	case 2:
		l, u := s.checkInt(L, 1), s.checkInt(L, 2)
		if l > u {
			s.argError(L, 2, "interval is empty")
		}
		return push(L, lua.LNumber(math.Floor(r*float64(int32(u-l+1)))+float64(l)))
	}
	s.fail(L, "wrong number of arguments")
	return 0
}

func (s *State) randomseed(L *lua.LState) int {
	s.random.seed(int32(s.checkInt(L, 1)))
	return 0
}
