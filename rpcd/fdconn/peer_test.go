package fdconn

import (
	"encoding/binary"
	"testing"
)

// FuzzParseGroups checks that parseGroups gives every whole number of the array
// and drops an incomplete last one.
func FuzzParseGroups(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{1, 2, 3})
	for _, groups := range [][]uint32{{0}, {4, 24, 27, 1000}, {65534, 1<<32 - 1}} {
		var b []byte
		for _, g := range groups {
			b = binary.NativeEndian.AppendUint32(b, g)
		}
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Add(make([]byte, 64*4))
	f.Fuzz(func(t *testing.T, b []byte) {
		groups := parseGroups(b)
		var again []byte
		for _, g := range groups {
			again = binary.NativeEndian.AppendUint32(again, g)
		}
		if string(again) != string(b[:len(b)/4*4]) || cap(groups) > len(b)/4 {
			t.Fatalf("%x reads as %v", b, groups)
		}
	})
}
