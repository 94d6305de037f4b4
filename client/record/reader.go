package record

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"
)

// readAhead is the room of a Reader in bytes: what a pipe holds (pipe(7)).
const readAhead = 64 << 10

// Reader cuts a stream into records.
type Reader struct {
	// KeepEnd has a large record hold what ended it, too.
	KeepEnd bool

	in     *bufio.Reader
	skip   bool  // the bytes aren't kept
	taken  int64 // bytes of the stream, up to the end of the last record
	frame  Framing
	number uint64
	limit  int64 // Limit, but in tests
	ended  error
}

// NewReader reads records from in.
func NewReader(in io.Reader, f Framing) *Reader {
	return &Reader{in: bufio.NewReaderSize(in, readAhead), frame: f, limit: Limit}
}

// Next gives the next record, which the caller closes. It gives io.EOF at the end,
// *Error for input that is no record, or the error of the stream. An error stays.
func (r *Reader) Next() (*Record, error) {
	if r.ended != nil {
		return nil, r.ended
	}
	b := &builder{record: &Record{Number: r.number + 1}, limit: r.limit, skip: r.skip}
	if err := r.read(b); err != nil {
		b.record.large, b.file = b.file, nil
		b.record.Close()
		r.ended = err
		if bad := (*Error)(nil); errors.As(err, &bad) {
			bad.Number = r.number + 1
		}
		return nil, err
	}
	r.number++
	return b.done()
}

func (r *Reader) read(b *builder) (err error) {
	switch r.frame {
	case Lines:
		err = r.text(b, '\n')
	case NUL:
		err = r.text(b, 0)
	case U32:
		err = r.sized(b)
	case NPY:
		err = r.array(b)
	}
	r.taken += b.record.Size + int64(len(b.record.End))
	b.record.Until = r.taken
	return err
}

// text reads up to the byte end, or to the stream's end.
func (r *Reader) text(b *builder, end byte) error {
	for {
		part, err := r.in.ReadSlice(end)
		if err == nil {
			b.record.End = string(end)
			part = part[:len(part)-1]
		}
		if err := b.add(part); err != nil {
			return err
		}
		switch {
		case err == nil && r.KeepEnd && b.file != nil:
			return b.file.write([]byte{end})
		case err == nil, err == io.EOF && b.record.Size > 0:
			return nil
		case err != bufio.ErrBufferFull:
			return err
		}
	}
}

// sized reads a length and as many bytes.
func (r *Reader) sized(b *builder) error {
	var length [4]byte
	n, err := io.ReadFull(r.in, length[:])
	switch {
	case err == io.ErrUnexpectedEOF:
		return &Error{Text: fmt.Sprintf("is cut off: the input ends after %d of the 4 bytes of its length", n)}
	case err != nil:
		return err
	}
	r.taken += int64(n)
	return r.copy(b, int64(binary.BigEndian.Uint32(length[:])))
}

// copy reads so many bytes more, which must be there.
func (r *Reader) copy(b *builder, size int64) error {
	if size > b.limit-b.record.Size {
		return tooLong(b.record.Size+size, b.limit)
	}
	whole := b.record.Size + size
	for b.record.Size < whole {
		if _, err := r.in.Peek(1); err == io.EOF {
			return &Error{Text: fmt.Sprintf("is cut off: the input ends after %d of its %d bytes", b.record.Size, whole)}
		} else if err != nil {
			return err
		}
		part, _ := r.in.Peek(int(min(int64(r.in.Buffered()), whole-b.record.Size)))
		if err := b.add(part); err != nil {
			return err
		}
		_, _ = r.in.Discard(len(part))
	}
	return nil
}

func tooLong(size, limit int64) error {
	return &Error{Text: fmt.Sprintf("has %d bytes or more, and one record has at most %d", size, limit)}
}

// builder collects the bytes of a record, in memory up to MaxInline.
type builder struct {
	record *Record
	file   *memory // nil: the record is small so far
	limit  int64
	skip   bool
}

func (b *builder) add(p []byte) error {
	b.record.Size += int64(len(p))
	switch {
	case b.record.Size > b.limit:
		return tooLong(b.record.Size, b.limit)
	case b.skip:
		return nil
	case b.file == nil && b.record.Size <= MaxInline:
		b.record.Data = append(b.record.Data, p...)
		return nil
	case b.file == nil:
		var err error
		if b.file, err = newMemory(); err != nil {
			return err
		}
		if err := b.file.write(b.record.Data); err != nil {
			return err
		}
		b.record.Data = nil
	}
	return b.file.write(p)
}

func (b *builder) done() (*Record, error) {
	b.record.large = b.file
	if b.file != nil {
		if err := b.file.seal(); err != nil {
			unix.Close(b.file.fd)
			return nil, err
		}
	}
	return b.record, nil
}
