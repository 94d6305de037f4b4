package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
)

// npy writes an array as np.save does, of version 1, with so many bytes of items.
func npy(header string, items int) string {
	text := header + "\n"
	return npyMagic + "\x01\x00" + string(binary.LittleEndian.AppendUint16(nil, uint16(len(text)))) + text + strings.Repeat("i", items)
}

func floats(n int) string {
	return npy(fmt.Sprintf("{'descr': '<f8', 'fortran_order': False, 'shape': (%d,), }", n), 8*n)
}

// all reads everything: the records with what ends them between brackets, and the
// error.
func all(t *testing.T, in io.Reader, f Framing) (records []string, err error) {
	t.Helper()
	r := NewReader(in, f)
	r.limit = 1 << 20
	for {
		rec, err := r.Next()
		if err != nil {
			if _, again := r.Next(); again != err {
				t.Errorf("%v, and then %v", err, again)
			}
			return records, err
		}
		if rec.Number != uint64(len(records))+1 {
			t.Errorf("number %d", rec.Number)
		}
		for i := range 2 { // each has a position of its own
			f, err := rec.File("")
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(f)
			if err != nil || int64(len(text)) != rec.Size || !rec.Large() && string(text) != string(rec.Data) {
				t.Fatalf("%d bytes, %v: %d in the record", len(text), err, rec.Size)
			}
			if _, err := f.WriteString("x"); err == nil {
				t.Error("a record can be changed")
			}
			f.Close()
			if i == 0 {
				records = append(records, string(text)+"["+rec.End+"]")
			}
		}
		rec.Close()
	}
}

// fault: 172
func TestRecords(t *testing.T) {
	long := strings.Repeat("long ", 40_000)
	sized := func(texts ...string) string {
		var b []byte
		for _, s := range texts {
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
		}
		return string(b)
	}
	field := npy(`{'fortran_order': True, 'shape': (2L, 3), "descr": [('a\'', '<f4'), (('t', 'b'), '|V2', (2,)), ('', [('x', '|b1')], 3)]}`, 2*3*(4+4+3))
	for _, c := range []struct {
		name, in string
		framing  Framing
		want     []string
		err      string
	}{
		{"nothing", "", Lines, nil, ""},
		{"lines", "a\n\nb\r\nc", Lines, []string{"a[\n]", "[\n]", "b\r[\n]", "c[]"}, ""},
		{"a long line", long + "\nx\n", Lines, []string{long + "[\n]", "x[\n]"}, ""},
		{"too long a line", strings.Repeat("x", 1<<20) + "y\n", Lines, nil, "record 1 has 1048577 bytes or more, and one record has at most 1048576"},
		{"NUL", "a\nb\x00\x00c", NUL, []string{"a\nb[\x00]", "[\x00]", "c[]"}, ""},
		{"u32", sized("a", "", long), U32, []string{"a[]", "[]", long + "[]"}, ""},
		{"half a length", sized("a") + "\x00\x00\x00", U32, []string{"a[]"}, "record 2 is cut off: the input ends after 3 of the 4 bytes of its length"},
		{"half a record", sized("a") + sized("abc")[:6], U32, []string{"a[]"}, "record 2 is cut off: the input ends after 2 of its 3 bytes"},
		{"u32 of text", "hello, world", U32, nil, "record 1 has 1751477356 bytes or more, and one record has at most 1048576"},
		{"npy", floats(3) + floats(0) + field, NPY, []string{floats(3) + "[]", floats(0) + "[]", field + "[]"}, ""},
		{"long npy", floats(40_000), NPY, []string{floats(40_000) + "[]"}, ""},
		{"no npy", "hi", NPY, nil, "record 1 is no array: it doesn't begin as np.save's do"},
		{"npy in front of text", floats(1) + "\n", NPY, []string{floats(1) + "[]"}, "record 2 is no array: it doesn't begin as np.save's do"},
		{"half a magic", npyMagic[:3], NPY, nil, "record 1 is cut off: the input ends after 3 bytes, in an array's header"},
		{"half a header", floats(1)[:40], NPY, nil, "record 1 is cut off: the input ends after 40 bytes, in an array's header"},
		{"half the items", floats(3)[:len(floats(3))-1], NPY, nil, fmt.Sprintf("record 1 is cut off: the input ends after %d of its %d bytes", len(floats(3))-1, len(floats(3)))},
		{"version", npyMagic + "\x04\x00", NPY, nil, "record 1 is an array of version 4.0, and 1.0 to 3.0 are known"},
		{"a long header", npyMagic + "\x02\x00\xff\xff\xff\xff", NPY, nil, "record 1 is an array whose header has 4294967295 bytes (at most 10000)"},
		{"objects", npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8), NPY, nil, "record 1 is no array that can be sent: it holds objects (a pickle), which are refused"},
		{"objects in a field", npy("{'descr': [('a', '<f4'), ('b', '|O')], 'fortran_order': False, 'shape': (1,), }", 8), NPY, nil, "record 1 is no array that can be sent: it holds objects (a pickle), which are refused"},
		{"huge", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 8), NPY, nil, "record 1 is no array that can be sent: it has more than 1048576 bytes"},
		{"huge and empty", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296), }", 0), NPY, nil, "record 1 is no array that can be sent: it has more than 1048576 bytes"},
		{"negative", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }", 8), NPY, nil, "record 1 is no array that can be sent: its shape has a -1"},
		{"no tuple", npy("{'descr': '<f8', 'fortran_order': False, 'shape': (3), }", 24), NPY, nil, "record 1 is no array that can be sent: its header isn't one of descr, fortran_order and shape"},
		{"a call", npy("{'descr': exec('x'), 'fortran_order': False, 'shape': (3,), }", 24), NPY, nil, "record 1 is no array that can be sent: its header is no dict"},
		{"twice", npy("{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (3,), }", 24), NPY, nil, "record 1 is no array that can be sent: its header is no dict"},
		{"an odd dtype", npy("{'descr': '<q8', 'fortran_order': False, 'shape': (3,), }", 24), NPY, nil, `record 1 is no array that can be sent: its dtype is "<q8"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, in := range []io.Reader{strings.NewReader(c.in), iotest.OneByteReader(strings.NewReader(c.in)), iotest.DataErrReader(strings.NewReader(c.in))} {
				got, err := all(t, in, c.framing)
				want := c.err
				if want == "" {
					want = "EOF"
				}
				if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", c.want) || err.Error() != want || len(err.Error()) > 150 {
					t.Errorf("%.300q, %v", got, err)
				}
			}
		})
	}
}

// A version, a dtype or a shape that np.save writes is read to its end, and nothing
// behind it.
func TestNumPyHeaders(t *testing.T) {
	for dtype, size := range map[string]int{"'<f8'": 8, "'|b1'": 1, "'?'": 1, "'>i2'": 2, "'<U3'": 12, "'|S5'": 5, "'<M8[ns]'": 8, "'<m8'": 8, "'|V16'": 16, "'<c16'": 16, "'<U0'": 0} {
		for _, version := range "\x01\x02\x03" {
			text := fmt.Sprintf("{'descr': %s, 'fortran_order': False, 'shape': (2, 3), }\n", dtype)
			length := binary.LittleEndian.AppendUint16(nil, uint16(len(text)))
			if version > 1 {
				length = append(length, 0, 0)
			}
			in := npyMagic + string(version) + "\x00" + string(length) + text + strings.Repeat("i", 6*size)
			got, err := all(t, strings.NewReader(in+floats(0)), NPY)
			if err != io.EOF || len(got) != 2 || got[0] != in+"[]" {
				t.Errorf("%s, version %d: %q, %v", dtype, version, got, err)
			}
			if err := CheckArrays(strings.NewReader(in + in)); err != nil {
				t.Error(err)
			}
		}
	}
	if err := CheckArrays(strings.NewReader(floats(1) + "\x93NUM")); err == nil || err.Error() != "array 2 of it is cut off: the input ends after 4 bytes, in an array's header" {
		t.Error(err)
	}
}

// An error of the stream itself is given as it is, behind the records before it.
func TestStreamError(t *testing.T) {
	for _, f := range []Framing{Lines, NUL, U32, NPY} {
		r := NewReader(iotest.ErrReader(os.ErrPermission), f)
		if rec, err := r.Next(); !errors.Is(err, os.ErrPermission) {
			t.Error(f, rec, err)
		}
	}
}

// A large record has its newline where its reader is told so, and a small one where
// File is.
func TestNewline(t *testing.T) {
	for _, text := range []string{"small\n", strings.Repeat("x", MaxInline+1) + "\n"} {
		r := NewReader(strings.NewReader(text), Lines)
		r.KeepEnd = true
		rec, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		f, err := rec.File(rec.End)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(f)
		if err != nil || string(got) != text || rec.Until != int64(len(text)) {
			t.Errorf("%d bytes of %d, %v", len(got), len(text), err)
		}
		f.Close()
		rec.Close()
	}
}

// FuzzReader: what is read, put together, is what came, and a limit holds.
func FuzzReader(f *testing.F) {
	f.Add(uint8(Lines), []byte("a\n\nb"))
	f.Add(uint8(NUL), []byte("a\x00b"))
	f.Add(uint8(U32), []byte("\x00\x00\x00\x01a"))
	f.Add(uint8(NPY), []byte(floats(2)+floats(0)))
	f.Add(uint8(NPY), []byte(npy("{'descr': [('a', '<f4', (2, (3)))], 'fortran_order': True, 'shape': ()}", 0)))
	f.Fuzz(func(t *testing.T, framing uint8, in []byte) {
		f := Framing(framing % 4)
		r := NewReader(bytes.NewReader(in), f)
		r.limit = 1 << 16
		var whole []byte
		for {
			rec, err := r.Next()
			if bad := (*Error)(nil); err != nil {
				if err == io.EOF && !bytes.Equal(whole, in) || err != io.EOF && !errors.As(err, &bad) {
					t.Errorf("%v: %q of %q", err, whole, in)
				}
				return
			}
			if f == U32 {
				whole = binary.BigEndian.AppendUint32(whole, uint32(rec.Size))
			}
			whole = append(append(whole, rec.Data...), rec.End...)
			if rec.Size > r.limit || rec.Until != int64(len(whole)) || !bytes.HasPrefix(in, whole) {
				t.Fatalf("%+v: %q of %q", rec, whole, in)
			}
		}
	})
}
