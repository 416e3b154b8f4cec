package lualib

import (
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"
)

func BenchmarkCompareAndReturn(b *testing.B) {
	const source = `if ARGV[1] == KEYS[1] then return 1 else return 0 end`
	code, err := Compile(source, "user_script")
	if err != nil {
		b.Fatal(err)
	}
	s := New(Limits{Memory: 64 << 20})
	keys := s.L.NewTable()
	keys.Append(lua.LString("k"))
	s.SetPlainGlobal("KEYS", keys)
	s.SetPlainGlobal("ARGV", keys)
	fn := s.Bind(code)
	b.ReportAllocs()
	for b.Loop() {
		s.Begin()
		if _, err := s.Call(fn); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMillionAdditions(b *testing.B) {
	besidePlain(b, `local x = 0 for i = 1, 1e6 do x = x + i end return x`)
}

func BenchmarkFillTable(b *testing.B) {
	besidePlain(b, `local t = {} for i = 1, 1e5 do t[i] = i end return #t`)
}

// besidePlain runs a script as it runs here, and as gopher-lua alone would run it.
func besidePlain(b *testing.B, source string) {
	b.Run("instrumented", func(b *testing.B) {
		code, err := Compile(source, "user_script")
		if err != nil {
			b.Fatal(err)
		}
		s := New(Limits{Memory: 64 << 20})
		fn := s.Bind(code)
		for b.Loop() {
			s.Begin()
			if _, err := s.Call(fn); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("plain", func(b *testing.B) {
		L := lua.NewState()
		fn, err := L.Load(strings.NewReader(source), "plain")
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			L.Push(fn)
			L.Call(0, 1)
			L.Pop(1)
		}
	})
}

func BenchmarkCompile(b *testing.B) {
	const source = `local n = redis.call('INCR', KEYS[1]) if n == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end return n`
	s := New(Limits{})
	b.ReportAllocs()
	for b.Loop() {
		code, err := Compile(source, "user_script")
		if err != nil {
			b.Fatal(err)
		}
		s.Bind(code)
	}
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		New(Limits{})
	}
}
