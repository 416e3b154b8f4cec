package command

import (
	"bytes"
	"math"
	"strings"
	"time"

	"diskette/resp/internal/numbers"
	"diskette/resp/internal/words"
	"diskette/store"
)

// What the stream commands read of their arguments, without a look at the data. Redis's
// t_stream.c says in which order it checks them, and which of two errors a client sees.

var (
	errStreamID       = ErrorReply("ERR Invalid stream ID specified as stream command argument")
	errIntervalStart  = ErrorReply("ERR invalid start ID for the interval")
	errIntervalEnd    = ErrorReply("ERR invalid end ID for the interval")
	errTwoTrims       = ErrorReply("ERR syntax error, MAXLEN and MINID options at the same time are not compatible")
	errMaxLenNegative = ErrorReply("ERR The MAXLEN argument must be >= 0.")
	errLimitNegative  = ErrorReply("ERR The LIMIT argument must be >= 0.")
	errLimitAlone     = ErrorReply("ERR syntax error, LIMIT cannot be used without specifying a trimming strategy")
	errLimitExact     = ErrorReply("ERR syntax error, LIMIT cannot be used without the special ~ option")
	errNoTrim         = ErrorReply("ERR syntax error, XTRIM must be called with a trimming strategy")
)

var maxStreamID = store.StreamID{Ms: math.MaxUint64, Seq: math.MaxUint64}

// parseStreamID reads ms-seq, or ms alone: seq is then missing. The words - and + are the lowest and the highest id.
func parseStreamID(b []byte, missing uint64) (id store.StreamID, ok bool) {
	switch string(b) {
	case "-":
		return store.StreamID{}, true
	case "+":
		return maxStreamID, true
	}
	return parseStrictID(b, missing)
}

// parseStrictID is parseStreamID without - and +.
func parseStrictID(b []byte, missing uint64) (id store.StreamID, ok bool) {
	id, auto, ok := parseAddID(b, missing)
	return id, ok && !auto
}

const maxIDBytes = 127

// parseAddID is parseStrictID for XADD, where ms-* leaves seq to the stream: auto.
func parseAddID(b []byte, missing uint64) (id store.StreamID, auto, ok bool) {
	if len(b) > maxIDBytes {
		return id, false, false
	}
	b, _, _ = bytes.Cut(b, []byte{0}) // a C string
	ms, seq, both := bytes.Cut(b, []byte{'-'})
	id.Seq = missing
	if id.Ms, ok = numbers.ParseUint(ms); ok && both {
		if string(seq) == "*" {
			return store.StreamID{Ms: id.Ms}, true, true
		}
		id.Seq, ok = numbers.ParseUint(seq)
	}
	return id, false, ok
}

// parseInterval reads the bounds of a range of ids; ( before one excludes it.
func parseInterval(from, to []byte) (start, end store.StreamID, refusal Reply) {
	if start, refusal = parseIntervalStart(from); refusal.IsError() {
		return start, end, refusal
	}
	strict := len(to) > 1 && to[0] == '('
	ok := false
	if strict {
		end, ok = parseStrictID(to[1:], math.MaxUint64)
	} else {
		end, ok = parseStreamID(to, math.MaxUint64)
	}
	if !ok {
		return start, end, errStreamID
	}
	if strict {
		if end, ok = end.Previous(); !ok {
			return start, end, errIntervalEnd
		}
	}
	return start, end, ReplyNone
}

func parseIntervalStart(from []byte) (start store.StreamID, refusal Reply) {
	if len(from) <= 1 || from[0] != '(' {
		start, ok := parseStreamID(from, 0)
		if !ok {
			return start, errStreamID
		}
		return start, ReplyNone
	}
	start, ok := parseStrictID(from[1:], 0)
	if !ok {
		return start, errStreamID
	}
	if start, ok = start.Next(); !ok {
		return start, errIntervalStart
	}
	return start, ReplyNone
}

// parseIDs reads strict ids.
func parseIDs(args [][]byte) (ids []store.StreamID, refusal Reply) {
	ids = make([]store.StreamID, len(args))
	for i, a := range args {
		ok := false
		if ids[i], ok = parseStrictID(a, 0); !ok {
			return nil, errStreamID
		}
	}
	return ids, ReplyNone
}

// addOptions are what XADD and XTRIM have in common.
type addOptions struct {
	trims    bool
	trim     store.Trim     // as far as the arguments say: see Call.trim
	limited  bool           // LIMIT is given
	noStream bool           // NOMKSTREAM
	id       store.StreamID // of the new entry
	auto     bool           // the stream gives the id
	autoSeq  bool           // it gives the second half
	fields   int            // where the fields begin
}

// parseAdd reads the arguments of XADD, or of XTRIM, up to the fields.
func parseAdd(args [][]byte, xadd bool) (o addOptions, refusal Reply) {
	i := 2
loop:
	for ; i < len(args); i++ {
		more := len(args) - 1 - i
		switch {
		case xadd && string(args[i]) == "*":
			o.auto = true
			break loop
		case more > 0 && (words.EqualFold(args[i], "maxlen") || words.EqualFold(args[i], "minid")):
			if o.trims {
				return o, errTwoTrims
			}
			o.trims = true
			i, refusal = o.parseTrim(args, i)
		case more > 0 && words.EqualFold(args[i], "limit"):
			i++
			o.limited = true
			o.trim.Limit, refusal = parseNotNegative(args[i], errLimitNegative)
		case xadd && words.EqualFold(args[i], "nomkstream"):
			o.noStream = true
		case xadd:
			ok := false
			if o.id, o.autoSeq, ok = parseAddID(args[i], 0); !ok {
				return o, errStreamID
			}
			break loop
		default:
			return o, ErrSyntax
		}
		if refusal.IsError() {
			return o, refusal
		}
	}
	o.fields = i + 1
	switch {
	case o.trim.Limit > 0 && !o.trims:
		return o, errLimitAlone
	case !xadd && !o.trims:
		return o, errNoTrim
	case o.limited && !o.trim.Approximate:
		return o, errLimitExact
	}
	return o, ReplyNone
}

// parseTrim reads MAXLEN or MINID, which stands at i, and returns where its last argument is.
func (o *addOptions) parseTrim(args [][]byte, i int) (last int, refusal Reply) {
	byLength := words.EqualFold(args[i], "maxlen")
	i++
	if i+1 < len(args) && (string(args[i]) == "~" || string(args[i]) == "=") {
		o.trim.Approximate = args[i][0] == '~'
		i++
	}
	if byLength {
		o.trim.MaxLen, refusal = parseNotNegative(args[i], errMaxLenNegative)
		return i, refusal
	}
	o.trim.MaxLen = -1
	ok := false
	if o.trim.MinID, ok = parseStrictID(args[i], 0); !ok {
		return i, errStreamID
	}
	return i, ReplyNone
}

func parseNotNegative(b []byte, negative Reply) (n int64, refusal Reply) {
	n, ok := numbers.ParseInt(b)
	switch {
	case !ok:
		return 0, ErrNotInteger
	case n < 0:
		return 0, negative
	}
	return n, ReplyNone
}

// parseCount reads the COUNT options that a command ends with: the number, -1 if there is none.
// A negative one counts as 0.
func parseCount(args [][]byte) (count int64, refusal Reply) {
	count = -1
	for i := 0; i < len(args); i += 2 {
		if !words.EqualFold(args[i], "count") || i+1 == len(args) {
			return 0, ErrSyntax
		}
		n, ok := numbers.ParseInt(args[i+1])
		if !ok {
			return 0, ErrNotInteger
		}
		count = max(0, n)
	}
	return count, ReplyNone
}

// readOptions are XREAD's and XREADGROUP's.
type readOptions struct {
	grouped         bool // there was GROUP
	group, consumer []byte
	noAck           bool
	count           int64 // 0 = all
	blocks          bool
	timeout         time.Duration
	keys, ids       [][]byte
}

// parseRead reads them all but the ids, for which the keys are needed. grouped = XREADGROUP; now is unix ms.
func parseRead(args [][]byte, grouped bool, now int64) (o readOptions, refusal Reply) {
	for i := 1; i < len(args) && o.keys == nil; i++ {
		more := len(args) - 1 - i
		switch {
		case more > 0 && words.EqualFold(args[i], "block"):
			i++
			o.blocks = true
			o.timeout, refusal = parseTimeoutMillis(args[i], now)
		case more > 0 && words.EqualFold(args[i], "count"):
			i++
			n, ok := numbers.ParseInt(args[i])
			if !ok {
				return o, ErrNotInteger
			}
			o.count = max(0, n)
		case more > 0 && words.EqualFold(args[i], "streams"):
			rest := args[i+1:]
			if len(rest)%2 != 0 {
				return o, errUnbalanced(grouped)
			}
			o.keys, o.ids = rest[:len(rest)/2], rest[len(rest)/2:]
		case more > 1 && words.EqualFold(args[i], "group"):
			if !grouped {
				return o, errGroupOption
			}
			o.grouped, o.group, o.consumer = true, args[i+1], args[i+2]
			i += 2
		case words.EqualFold(args[i], "noack"):
			if !grouped {
				return o, errNoAckOption
			}
			o.noAck = true
		default:
			return o, ErrSyntax
		}
		if refusal.IsError() {
			return o, refusal
		}
	}
	switch {
	case o.keys == nil:
		return o, ErrSyntax
	case grouped && !o.grouped:
		return o, errGroupMissing
	}
	return o, ReplyNone
}

var (
	errGroupOption  = ErrorReply("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.")
	errNoAckOption  = ErrorReply("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.")
	errGroupMissing = ErrorReply("ERR Missing GROUP option for XREADGROUP")
)

func errUnbalanced(grouped bool) Reply {
	if grouped {
		return ErrorReply("ERR Unbalanced 'xreadgroup' list of streams: for each stream key an ID or '>' must be specified.")
	}
	return ErrorReply("ERR Unbalanced 'xread' list of streams: for each stream key an ID or '$' must be specified.")
}

// parseTimeoutMillis reads a time-out in milliseconds; 0 = for ever.
func parseTimeoutMillis(b []byte, now int64) (timeout time.Duration, refusal Reply) {
	ms, ok := numbers.ParseInt(b)
	switch {
	case !ok:
		return 0, ErrTimeout
	case ms < 0:
		return 0, ErrTimeoutBelow
	case ms > math.MaxInt64-now:
		return 0, ErrTimeoutRange
	}
	return longWait(float64(ms)), ReplyNone
}

// claimOptions are XCLAIM's.
type claimOptions struct {
	ids    []store.StreamID
	how    store.Claim
	lastID store.StreamID
}

// parseClaim reads them from the least idle time on. now is unix ms.
func parseClaim(args [][]byte, now int64) (o claimOptions, refusal Reply) {
	least, ok := numbers.ParseInt(args[0])
	if !ok {
		return o, ErrorReply("ERR Invalid min-idle-time argument for XCLAIM")
	}
	o.how = store.Claim{MinIdleMs: max(0, least), DeliveredMs: -1, Deliveries: -1}
	i := 1
	for ; i < len(args); i++ {
		id, ok := parseStrictID(args[i], 0)
		if !ok {
			break
		}
		o.ids = append(o.ids, id)
	}
	for ; i < len(args); i++ {
		word := args[i]
		switch {
		case words.EqualFold(word, "force"):
			o.how.Force = true
			continue
		case words.EqualFold(word, "justid"):
			o.how.JustID = true
			continue
		case i+1 == len(args):
			return o, errClaimOption(word)
		}
		i++
		switch n, ok := numbers.ParseInt(args[i]); {
		case words.EqualFold(word, "idle") && ok:
			o.how.DeliveredMs = now - n
		case words.EqualFold(word, "time") && ok:
			o.how.DeliveredMs = n
		case words.EqualFold(word, "retrycount") && ok:
			o.how.Deliveries = n
		case words.EqualFold(word, "idle"), words.EqualFold(word, "time"), words.EqualFold(word, "retrycount"):
			return o, ErrorReply("ERR Invalid " + strings.ToUpper(string(word)) + " option argument for XCLAIM")
		case words.EqualFold(word, "lastid"):
			if o.lastID, ok = parseStrictID(args[i], 0); !ok {
				return o, errStreamID
			}
		default:
			return o, errClaimOption(word)
		}
	}
	// As in Redis, the clients' clocks may be wrong, and that is no error.
	if o.how.DeliveredMs < 0 || o.how.DeliveredMs > now {
		o.how.DeliveredMs = now
	}
	return o, ReplyNone
}

func errClaimOption(word []byte) Reply {
	return ErrorReply(OneLine("ERR Unrecognized XCLAIM option '" + UpToNUL(word, len(word)) + "'"))
}
