package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The npy format is NEP 1's, as numpy.lib.format documents it: magic, version, the
// header's length, a Python dict of descr, fortran_order and shape, the items.
const (
	npyMagic  = "\x93NUMPY"
	npyStart  = len(npyMagic) + 2 // with the version's two numbers
	maxHeader = 10_000            // bytes of the dict, as numpy.load has it
	maxDims   = 64                // NPY_MAXDIMS of NumPy 2
)

// array reads one array.
func (r *Reader) array(b *builder) error {
	if _, err := r.in.Peek(1); err != nil {
		return err // io.EOF: no record begins here
	}
	if start, _ := r.in.Peek(len(npyMagic)); !strings.HasPrefix(npyMagic, string(start)) {
		return &Error{Text: "is no array: it doesn't begin as np.save's do"}
	}
	start, err := r.header(b, npyStart)
	if err != nil {
		return err
	}
	lengthSize, err := checkStart(start)
	if err != nil {
		return err
	}
	length, err := r.header(b, lengthSize)
	if err != nil {
		return err
	}
	size, err := headerSize(length)
	if err != nil {
		return err
	}
	text, err := r.header(b, size)
	if err != nil {
		return err
	}
	items, err := itemBytes(string(text), b.limit)
	if err != nil {
		return err
	}
	return r.copy(b, items)
}

// header reads the next n bytes of a header.
func (r *Reader) header(b *builder, n int) ([]byte, error) {
	part := make([]byte, n)
	if got, err := io.ReadFull(r.in, part); err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil, &Error{Text: fmt.Sprintf("is cut off: the input ends after %d bytes, in an array's header", b.record.Size+int64(got))}
	} else if err != nil {
		return nil, err
	}
	return part, b.add(part)
}

// checkStart looks at the version, and gives how many bytes the header's length
// takes.
func checkStart(start []byte) (int, error) {
	version := start[len(npyMagic)]
	switch {
	case start[npyStart-1] != 0 || version < 1 || version > 3:
		return 0, &Error{Text: fmt.Sprintf("is an array of version %d.%d, and 1.0 to 3.0 are known", version, start[npyStart-1])}
	case version == 1:
		return 2, nil
	}
	return 4, nil
}

func headerSize(length []byte) (int, error) {
	size := uint32(0)
	if len(length) == 2 {
		size = uint32(binary.LittleEndian.Uint16(length))
	} else {
		size = binary.LittleEndian.Uint32(length)
	}
	if size > maxHeader {
		return 0, &Error{Text: fmt.Sprintf("is an array whose header has %d bytes (at most %d)", size, maxHeader)}
	}
	return int(size), nil
}

var (
	errObjects = errors.New("it holds objects (a pickle), which are refused")
	errHeader  = errors.New("its header isn't one of descr, fortran_order and shape")
)

// itemBytes gives how many bytes the items behind a header have.
func itemBytes(header string, limit int64) (int64, error) {
	size, err := itemsOf(header, limit)
	if err != nil {
		return 0, &Error{Text: "is no array that can be sent: " + err.Error()}
	}
	return size, nil
}

func itemsOf(header string, limit int64) (int64, error) {
	said, err := parseLiteral(header)
	if err != nil {
		return 0, err
	}
	d, ok := said.(dict)
	_, order := d["fortran_order"].(bool)
	shape, isTuple := d["shape"].(tuple)
	if !ok || len(d) != 3 || !order || !isTuple || d["descr"] == nil {
		return 0, errHeader
	}
	size, err := itemSize(d["descr"], limit)
	if err != nil {
		return 0, err
	}
	return times(size, shape, limit)
}

// times is size for each item of a shape. What is over the limit is an error, also
// where a 0 behind makes nothing of it: no such array can be made.
func times(size int64, shape tuple, limit int64) (int64, error) {
	if len(shape) > maxDims {
		return 0, fmt.Errorf("it has %d dimensions (at most %d)", len(shape), maxDims)
	}
	empty := size == 0
	size = max(size, 1)
	for _, d := range shape {
		n, ok := d.(int64)
		switch {
		case !ok || n < 0:
			return 0, fmt.Errorf("its shape has a %v", d)
		case n == 0:
			empty = true
		case n > limit/size:
			return 0, fmt.Errorf("it has more than %d bytes", limit)
		default:
			size *= n
		}
	}
	if empty {
		return 0, nil
	}
	return size, nil
}

// itemSize gives the bytes of one item of a dtype: a text like "<f8", or a list of
// fields, each a name, a dtype and perhaps a shape.
func itemSize(descr any, limit int64) (int64, error) {
	switch d := descr.(type) {
	case string:
		return simpleSize(d, limit)
	case list:
		sum := int64(0)
		for _, f := range d {
			size, err := fieldSize(f, limit)
			if err != nil {
				return 0, err
			}
			if sum += size; sum > limit {
				return 0, fmt.Errorf("an item has more than %d bytes", limit)
			}
		}
		return sum, nil
	}
	return 0, errors.New("its dtype isn't understood")
}

func fieldSize(f any, limit int64) (int64, error) {
	field, ok := f.(tuple)
	if !ok || len(field) < 2 || len(field) > 3 {
		return 0, errors.New("its dtype has a field that isn't understood")
	}
	size, err := itemSize(field[1], limit)
	if err != nil || len(field) == 2 {
		return size, err
	}
	shape, ok := field[2].(tuple)
	if !ok {
		shape = tuple{field[2]} // a number alone
	}
	return times(size, shape, limit)
}

// simpleSize reads a dtype as numpy.lib.format writes it: byte order, kind, size, and
// the unit of a time.
func simpleSize(d string, limit int64) (int64, error) {
	rest := d
	if rest != "" && (rest[0] == '<' || rest[0] == '>' || rest[0] == '|' || rest[0] == '=') {
		rest = rest[1:]
	}
	unknown := fmt.Errorf("its dtype is %.40q", d)
	if rest == "" {
		return 0, unknown
	}
	kind, rest := rest[0], rest[1:]
	size, digits := int64(0), 0
	for digits < len(rest) && '0' <= rest[digits] && rest[digits] <= '9' {
		if size = 10*size + int64(rest[digits]-'0'); size > limit {
			return 0, fmt.Errorf("an item has more than %d bytes", limit)
		}
		digits++
	}
	rest = rest[digits:]
	switch kind {
	case 'O':
		return 0, errObjects
	case '?':
		size, digits = 1, 1
	case 'U':
		size *= 4
	case 'm', 'M': // 8 bytes, with a unit like [ns]
		if len(rest) > 2 && rest[0] == '[' && rest[len(rest)-1] == ']' {
			rest = ""
		}
	case 'b', 'i', 'u', 'f', 'c', 'S', 'V':
	default:
		return 0, unknown
	}
	if digits == 0 || rest != "" {
		return 0, unknown
	}
	return size, nil
}

// CheckArrays says why in isn't any number of whole arrays.
func CheckArrays(in io.Reader) error {
	r := NewReader(in, NPY)
	r.skip = true
	for {
		if _, err := r.Next(); err == io.EOF {
			return nil
		} else if bad := (*Error)(nil); errors.As(err, &bad) {
			return fmt.Errorf("array %d of it %s", bad.Number, bad.Text)
		} else if err != nil {
			return err
		}
	}
}
