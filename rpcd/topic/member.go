package topic

import (
	"fmt"
	"io"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// Conn is the way to a publisher or a subscriber.
type Conn interface {
	WriteFrame(b []byte) error
	// WriteDescriptors is WriteFrame with descriptors, which stay the caller's.
	WriteDescriptors(b []byte, fds []int) error
}

// Member is what a publisher or subscriber is to its topic.
type Member struct {
	Conn    Conn
	UID     uint32
	TrySend func([]byte) bool    // writes a frame if that needs no wait, and says whether it did
	HangUp  func()               // ends the connection for both sides, and doesn't wait
	Refuse  func(error)          // HangUp with the reason, if it can be said without waiting
	File    func() *fdconn.Files // the descriptor that came first, for who reads; the caller closes it
	Bridged bool
	Waits   func(text string) // says what a publisher waits for, and goes on showing that it lives
	Begins  func()            // it waits no longer
}

func unexpected(t wire.Type, from string) error {
	return fmt.Errorf("%w: a %v frame from %s", wire.ErrProtocol, t, from)
}

// noEOF makes the end of a connection in the middle of a record one.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
