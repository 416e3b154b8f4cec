package wire

import "testing"

// unwilling is an owner who wants nothing of what gathers.
type unwilling struct{}

func (unwilling) Gathers(bytes int) bool { return bytes <= 0 }
func (unwilling) SendPart() bool         { return false }

// What a client has dropped in the middle of a reply leaves nothing to the client who gets its memory.
func TestAnOutputThatWasDroppedBeginsEmptyForItsNextOwner(t *testing.T) {
	for what, gather := range map[string]func(o *Output){
		"a reply that was made elsewhere": func(o *Output) {
			var other Output
			other.Reference(make([]byte, 100))
			other.Buf = append(other.Buf, "\r\n$100\r\n"...)
			other.Reference(make([]byte, 100))
			o.Join(&other)
		},
		"values behind the drop": func(o *Output) {
			o.Reference(make([]byte, 100))
			o.Buf = append(o.Buf, "text"...)
			o.Reference(make([]byte, 100))
			o.Buf = append(o.Buf, "text"...)
		},
	} {
		var o Output
		g := NewGuard(nil, new(Limits))
		o.OwnedBy(unwilling{}, g)
		gather(&o)
		if !o.Dropped {
			t.Fatalf("%s: it is not dropped", what)
		}
		o.Disowned()
		o.OwnedBy(unwilling{}, g)
		o.Buf = append(o.Buf, "+PONG\r\n"...)
		if n := o.Bytes(); n != len("+PONG\r\n") || o.Dropped {
			t.Errorf("%s: a reply of 7 bytes is %d, and dropped: %v", what, n, o.Dropped)
		}
	}
}
