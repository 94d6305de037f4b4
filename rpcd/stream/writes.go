package stream

import (
	"bytes"
	"errors"
	"io"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// transfer sends the first n bytes of the pipe, at whose end a write ended, or as
// many as the credit allows. It doesn't wait for the pipe: it sends fewer if
// another process takes some. It returns how many were sent.
func (o *output) transfer(n, credit int) (sent int, err error) {
	left, cut := min(n, credit), n > credit
	for left > 0 && err == nil {
		var k int
		switch {
		case left <= wire.PipeBuf && !cut || o.least == 1:
			k, err = o.copy(min(left, wire.PipeBuf))
		case left < wire.PipeBuf: // a part of a write may be next
		case o.passage.usable():
			k, err = o.move(left, cut)
		default:
			k, err = o.lines(left)
		}
		if k == 0 {
			break
		}
		sent, left = sent+k, left-k
	}
	if err == nil {
		err = o.batch.Send()
	}
	return sent, err
}

// copy adds n bytes of the pipe to the batch.
func (o *output) copy(n int) (int, error) {
	b, err := o.batch.Room(n, n)
	if err != nil {
		return 0, err
	}
	if n, err = readNow(o.pipe, b); err != nil {
		return 0, nil // another process was quicker
	}
	o.batch.Add(n)
	return n, nil
}

// move sends whole buffers of the pipe through the passage, of left bytes. cut says
// that a write may lie across their end.
func (o *output) move(left int, cut bool) (int, error) {
	if o.pages && !cut && left >= leastSplice {
		r, n, half := o.passage.takeAll(o.pipe, left)
		if half && n >= leastSplice { // emptier pages would fill the caller's passage
			return n, o.splice(r, n)
		}
		return n, o.split(n)
	}
	r, n, full := o.passage.take(o.pipe, left)
	switch {
	case full && n >= leastSplice:
		return n, o.splice(r, n)
	case n > 0 && (full || r == &o.passage.one): // else there is nothing, or it lies in many
		return n, o.add(r, n, left)
	}
	return n, o.split(n)
}

// split adds the n bytes that lie in the passage to the batch, buffer by buffer.
func (o *output) split(n int) error {
	for n > 0 {
		k := o.passage.next()
		if err := o.add(&o.passage.one, k, n); err != nil {
			return err
		}
		n -= k
	}
	return nil
}

// add adds the n bytes of a row to the batch.
func (o *output) add(r *row, n, left int) error {
	b, err := o.batch.Room(n, left)
	if err != nil {
		return err
	}
	if k, err := unix.Read(r.ends[0], b); k != n || n == 0 { // no kernel does that
		o.conn.Close() // bytes are lost
		return errors.Join(io.ErrUnexpectedEOF, err)
	}
	o.batch.Add(n)
	return nil
}

// splice sends the batch, and then the n bytes of a row without copying them.
func (o *output) splice(r *row, n int) error {
	if err := o.batch.Send(); err != nil {
		return err
	}
	header, err := o.out.Header(n)
	if err != nil {
		return err
	}
	if err = o.conn.Splice(header, r.ends[0], n); err != nil {
		o.conn.Close() // a frame was cut
	}
	return err
}

// lines adds n bytes of the pipe where no passage can say how the procedure wrote
// them. A frame ends behind its last newline, if it has one.
func (o *output) lines(n int) (int, error) {
	var begun []byte // of a line
	for left := n; left > 0; {
		b, err := o.batch.Room(wire.PipeBuf, left+len(begun))
		if err != nil {
			return 0, err
		}
		copy(b, begun)
		k, err := readNow(o.pipe, b[len(begun):min(len(begun)+left, len(b))])
		left -= k
		if err != nil { // another process was quicker
			n, left = n-left, 0
		}
		b = b[:len(begun)+k]
		if end := bytes.LastIndexByte(b, '\n') + 1; end > 0 && left > 0 {
			begun = bytes.Clone(b[end:])
			b = b[:end]
		} else {
			begun = nil
		}
		if len(b) > 0 {
			o.batch.Add(len(b))
		}
	}
	return n, nil
}
