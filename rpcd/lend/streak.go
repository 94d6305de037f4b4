package lend

import (
	"hash/maphash"
	"time"

	"rpcd/rpcd/wire"
)

// longest is how long, in bytes, the payload of a CALL is that may be lent: the worker
// compares those that come with it, and notes the arguments in a page.
const longest = 4000

// pause is how long a caller may think between two calls whose connection is lent.
// Who comes more seldom gains nothing by a loan, and a worker would be kept from others.
const pause = 10 * time.Millisecond

// Streak notices a caller that makes the same call again and again, but for the
// arguments. It keeps nothing of the calls.
type Streak struct {
	sum   uint64 // of the last CALL
	ended time.Time
}

var seed = maphash.MakeSeed()

// Next takes a CALL that came. If it comes soon after one that was the same, as far as
// can be told, Next gives the whole frame, else nil.
func (s *Streak) Next(h wire.Header, payload []byte) []byte {
	if len(payload) > longest || h.Flags&wire.CallKeep == 0 {
		s.sum = 0
		return nil
	}
	sum := s.of(h, payload)
	same := sum == s.sum && sum != 0
	s.sum = sum
	if !same || time.Since(s.ended) > pause {
		return nil
	}
	return wire.Frame(h.Type, h.Stream, h.Flags, payload)
}

// of sums a CALL up without its arguments; 0: it is none to be lent.
func (s *Streak) of(h wire.Header, payload []byte) uint64 {
	before, behind, ok := wire.AroundArguments(payload)
	if !ok {
		return 0
	}
	var sum maphash.Hash
	sum.SetSeed(seed)
	_, _ = sum.Write([]byte{h.Stream, byte(h.Flags >> 8), byte(h.Flags), byte(len(before) >> 8), byte(len(before))})
	_, _ = sum.Write(before)
	_, _ = sum.Write(behind)
	return sum.Sum64()
}

// End says that a call has ended.
func (s *Streak) End() { s.ended = time.Now() }

// Fits says whether a direct call may be served by a worker alone: nothing of it is
// relayed, and its caller waits for nothing but STARTED and EXIT.
func Fits(m *wire.Call) bool {
	if m.Flags&^(wire.CallKeep|wire.CallNoWait|wire.CallConfirm) != 0 {
		return false
	}
	for _, s := range m.Streams {
		if s.Number > 2 || s.Mode != wire.Passed && s.Mode != wire.Closed {
			return false
		}
	}
	return true
}
