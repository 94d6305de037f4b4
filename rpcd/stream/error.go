package stream

import (
	"errors"
	"fmt"
)

// ErrTruncated says that the kernel cut descriptors off: this process is at its
// limit of them (MSG_CTRUNC, recvmsg(2); RLIMIT_NOFILE, getrlimit(2)).
var ErrTruncated = errors.New("descriptors were cut off")

// CountError says that another number of descriptors arrived than the streams
// name, and some did.
type CountError struct{ Arrived, Named int }

func (e *CountError) Error() string {
	return fmt.Sprintf("%d descriptors arrived for %d streams", e.Arrived, e.Named)
}

// BridgeError says that a stream over 2 is to be passed, and no descriptor
// arrived: its caller doesn't say in which direction it could be relayed instead.
type BridgeError struct{ Number uint8 }

func (e *BridgeError) Error() string {
	return fmt.Sprintf("stream %d can't cross a bridge", e.Number)
}

// LimitError says that no process can be started here with a descriptor of that
// number (RLIMIT_NOFILE, getrlimit(2)).
type LimitError struct {
	Number uint8
	Limit  uint64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("descriptor %d is over the limit of %d", e.Number, e.Limit)
}

// UnfitError says that the descriptor of a stream may not be passed.
type UnfitError struct {
	Number uint8
	What   string // it is this, as "a directory"
}

func (e *UnfitError) Error() string { return fmt.Sprintf("descriptor %d is %s", e.Number, e.What) }
