package rdb

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

// benchFile is a file of n strings of 100 bytes, or of hashes of five fields.
func benchFile(b *testing.B, n int, hashes bool) []byte {
	var out bytes.Buffer
	w := NewFileWriter(&out, FileWriterOptions{})
	v := &Value{Kind: String, String: noise(100)}
	if hashes {
		v = &Value{Kind: Hash}
		for i := range 5 {
			v.Elements = append(v.Elements, fmt.Sprintf("field%d", i), noise(20))
		}
	}
	for i := range n {
		if err := w.Key(KeyHeader{Key: fmt.Sprintf("key:%012d", i), IdleSeconds: -1, Frequency: -1}, v); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Finish(); err != nil {
		b.Fatal(err)
	}
	return out.Bytes()
}

func BenchmarkFileReader(b *testing.B) {
	for name, hashes := range map[string]bool{"strings": false, "hashes": true} {
		b.Run(name, func(b *testing.B) {
			file := benchFile(b, 100_000, hashes)
			b.SetBytes(int64(len(file)))
			b.ReportAllocs()
			keys := 0
			for b.Loop() {
				f := NewFileReader(bytes.NewReader(file), FileOptions{})
				for {
					if _, err := f.Next(); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
					if _, err := f.Part(); err != nil {
						b.Fatal(err)
					}
					keys++
				}
			}
			b.ReportMetric(float64(keys)/b.Elapsed().Seconds(), "keys/s")
		})
	}
}

func BenchmarkFileWriter(b *testing.B) {
	h := KeyHeader{Key: "key:000000000001", IdleSeconds: -1, Frequency: -1}
	v := &Value{Kind: String, String: noise(100)}
	w := NewFileWriter(io.Discard, FileWriterOptions{Compress: true})
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Key(h, v); err != nil {
			b.Fatal(err)
		}
	}
}
