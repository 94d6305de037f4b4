package stream

import (
	"context"

	"rpcd/rpcd/wire"
)

// AttendTerminal gives the terminal the sizes that the caller tells, and calls stopped
// when the procedure has stopped there, behind what was shown before. When ctx ends,
// since the caller has left or all is over, the terminal is hung up.
func (s *Set) AttendTerminal(ctx context.Context, sizes <-chan wire.Window, stops <-chan struct{}, stopped func()) {
	for {
		select {
		case w := <-sizes:
			s.Resize(w)
		case <-stops:
			s.Flush()
			stopped()
		case <-ctx.Done():
			s.HangUp()
			return
		}
	}
}
