package rdb

// A module's value is the name of its type, then a code before each piece, which says what follows, and a last code.
const (
	typeModuleOld = 6 // without codes
	typeModule    = 7

	moduleEnd    = 0
	moduleSigned = 1
	moduleNumber = 2
	moduleFloat  = 3
	moduleDouble = 4
	moduleString = 5
)

const moduleLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// moduleName reads a name of nine letters of six bits each, and a version of ten.
func (r *reader) moduleName() string {
	id := r.length()
	var name [9]byte
	for i := range name {
		name[i] = moduleLetters[id>>(64-6*(i+1))&0x3f]
	}
	return string(name[:])
}

// moduleWhen reads when a module's data are to be loaded.
func (r *reader) moduleWhen() {
	if code := r.length(); code != moduleNumber && r.err == nil {
		r.fail("the code of a number", "%d", code)
	}
	r.length()
}

// skipModuleData passes over pieces to their end.
func (r *reader) skipModuleData() {
	for r.err == nil {
		switch code := r.length(); code {
		case moduleEnd:
			return
		case moduleSigned, moduleNumber:
			r.length()
		case moduleFloat:
			r.skip(4)
		case moduleDouble:
			r.skip(8)
		case moduleString:
			r.skipString()
		default:
			r.failAs(ErrModule, r.offset(), "the code of a piece of a module's value", "%d", code)
		}
	}
}

// skipString passes over a string of any length.
func (r *reader) skipString() {
	switch n, encoding := r.lengthOrEncoding(); encoding {
	case 0:
		r.skip(n)
	case stringInt8, stringInt16, stringInt32:
		r.skip(1 << (encoding - stringInt8))
	case stringLZF:
		n = r.length()
		r.length()
		r.skip(n)
	default:
		r.fail("a string", "the encoding %#x", encoding)
	}
}

// skipKeyMeta passes over what modules of Redis 8.6 attach to the next key: of each a name of four bytes and its data.
func (r *reader) skipKeyMeta() {
	for n := r.length(); n > 0 && r.err == nil; n-- {
		r.skip(4)
		r.skipModuleData()
	}
}

// skipSlotImport passes over what a node of a Valkey cluster was taking over: the name of that, and ranges of slots.
func (r *reader) skipSlotImport() {
	r.skipString()
	for n := r.length(); n > 0 && r.err == nil; n-- {
		r.length()
		r.length()
	}
}
