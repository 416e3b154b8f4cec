package lualib

import (
	"testing"

	"diskette/resp/lua"
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
	s.SetArguments(keys, keys)
	fn := s.Bind(code)
	b.ReportAllocs()
	for b.Loop() {
		s.Reset()
		if _, err := s.Call(fn); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMillionAdditions(b *testing.B) {
	benchmarkScript(b, `local x = 0 for i = 1, 1e6 do x = x + i end return x`)
}

func BenchmarkFillTable(b *testing.B) {
	benchmarkScript(b, `local t = {} for i = 1, 1e5 do t[i] = i end return #t`)
}

func benchmarkScript(b *testing.B, source string) {
	code, err := Compile(source, "user_script")
	if err != nil {
		b.Fatal(err)
	}
	s := New(Limits{Memory: 64 << 20})
	fn := s.Bind(code)
	for b.Loop() {
		s.Reset()
		if _, err := s.Call(fn); err != nil {
			b.Fatal(err)
		}
	}
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
