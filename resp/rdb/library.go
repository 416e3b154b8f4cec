package rdb

// opLibrary stands before each library of functions in FUNCTION DUMP's payload
// (RDB_OPCODE_FUNCTION2); opLibraryOld did in a form that no release has.
const (
	opLibrary    = 245
	opLibraryOld = 246
)

// EncodeLibraries returns the payload of libraries of functions, given by their code, as FUNCTION DUMP does.
func EncodeLibraries(code []string, compress bool) []byte {
	w := writer{Options: Options{Compress: compress}}
	defer w.end()
	for _, c := range code {
		w.b = append(w.b, opLibrary)
		w.string(c)
	}
	return seal(w.b, version)
}

// DecodeLibraries returns the code of the libraries in a payload, which may unfold to so many
// bytes. The error is ErrChecksum, or wraps ErrFormat.
func DecodeLibraries(payload []byte, maxBytes int64) (code []string, err error) {
	b, _, err := unseal(payload)
	if err != nil {
		return nil, err
	}
	r := payloadReader(b)
	r.left = maxBytes
	for len(r.b) > 0 && r.err == nil {
		switch r.byte() {
		case opLibrary:
			code = append(code, r.string())
		case opLibraryOld:
			r.failPreGA()
		default:
			r.fail("a library of functions", "something else")
		}
	}
	return code, r.err
}

func (r *reader) failPreGA() {
	r.fail("functions as Redis 7.0 has them", "those of a candidate of it")
}
