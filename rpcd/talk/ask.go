package talk

import (
	"bufio"
	"fmt"
	"time"

	"rpcd/rpcd/wire"
)

// Question is a first frame that starts nothing.
type Question struct {
	Frame  []byte
	Files  []int     // descriptors that ride on it; the asker closes them
	Answer wire.Type // the type of the answer
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
	t, payload, err := readFrame(bufio.NewReader(c))
	if err != nil {
		return nil, err
	}
	switch t {
	case q.Answer:
		return payload, nil
	case wire.TypeRefused:
		return nil, refused(payload)
	}
	return nil, fmt.Errorf("%w: a %v frame as an answer", wire.ErrProtocol, t)
}

// refused reads a REFUSED as the error that it is.
func refused(payload []byte) error {
	m, err := wire.ParseRefused(payload)
	if err != nil {
		return err
	}
	return m
}
