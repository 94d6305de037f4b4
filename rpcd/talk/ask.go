package talk

import (
	"bufio"
	"fmt"
	"sync/atomic"
	"time"

	"rpcd/rpcd/wire"
)

// Question is a first frame that starts nothing.
type Question struct {
	Frame  []byte
	Files  []int     // descriptors that ride on it; the asker closes them
	Answer wire.Type // the type of the answer

	// Room is how many bytes the answers of all who are asked may have yet; nil: any.
	Room *atomic.Int64
}

// Ask sends a question and returns the payload of its answer, which has to come
// within d. The error is one of these:
//
//   - a *wire.Refused: the worker says why it doesn't answer.
//   - wire.ErrProtocol, wrapped: the answer isn't understood.
//   - os.ErrDeadlineExceeded: no answer came within d.
//   - else an error of the socket.
func Ask(c *Conn, q Question, d time.Duration) ([]byte, error) {
	c.ExpectWithin(d)
	if err := c.WriteDescriptors(q.Frame, q.Files); err != nil && !Gone(err) {
		return nil, err
	}
	r := bufio.NewReader(c)
	h, err := wire.ReadHeader(r)
	if err != nil {
		return nil, err
	}
	if q.Room != nil && q.Room.Add(-int64(h.Length)) < 0 {
		return nil, fmt.Errorf("%w: an answer of %d bytes, more than there is room for with those of others", wire.ErrProtocol, h.Length)
	}
	payload, err := wire.ReadPayload(r, h)
	if err != nil {
		return nil, err
	}
	switch h.Type {
	case q.Answer:
		return payload, nil
	case wire.TypeRefused:
		return nil, refused(payload)
	}
	return nil, fmt.Errorf("%w: a %v frame as an answer", wire.ErrProtocol, h.Type)
}

// refused reads a REFUSED as the error that it is.
func refused(payload []byte) error {
	m, err := wire.ParseRefused(payload)
	if err != nil {
		return err
	}
	return m
}
