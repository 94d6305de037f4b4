package topic

import (
	"fmt"

	"golang.org/x/sys/unix"

	shared "rpcd/rpcd/topic/ring"
	"rpcd/rpcd/wire"
)

// mostRings is how many rings of one publisher there may be, those included that it
// doesn't use any more and that subscribers still hold.
const mostRings = 16

// ring is shared memory of a publisher's, which rpcd never maps: it reads a slot's
// bytes where a subscriber is bridged, and passes the descriptor to the others. The
// topic's lock guards it.
type ring struct {
	wire.Ring // Number is ours, of the topic
	theirs    uint32
	fd        int // closed by release, when no slot is in use and no more can be
	owner     *publisher
	slots     []slot
	used      int  // slots that somebody holds
	retired   bool // its publisher sends no more in it
}

// slot is one place of a ring. It is free when nobody holds it and its publisher has
// been told so.
type slot struct {
	ring  *ring
	index uint32
	refs  int  // in queues, on the way to subscribers, and as the last record
	owed  bool // its publisher is to be told that it is free
}

// newRing checks a ring's memory. The descriptor is the ring's then.
func newRing(fd int, m wire.Ring, owner *publisher) (*ring, error) {
	if err := shared.Check(fd, m); err != nil {
		return nil, fmt.Errorf("%w: %w", wire.ErrProtocol, err)
	}
	r := &ring{Ring: m, theirs: m.Number, fd: fd, owner: owner, slots: make([]slot, m.Slots)}
	for i := range r.slots {
		r.slots[i] = slot{ring: r, index: uint32(i)}
	}
	return r, nil
}

// hold adds a reference.
func (s *slot) hold() {
	if s != nil {
		if s.refs == 0 {
			s.ring.used++
		}
		s.refs++
	}
}

// release takes one away. A slot that nobody holds then is its publisher's again.
func (s *slot) release() {
	if s == nil {
		return
	}
	if s.refs--; s.refs > 0 {
		return
	}
	r := s.ring
	r.used--
	if !r.retired {
		s.owed = true
		r.owner.freed(s)
	}
	r.closeIfUnused()
}

// retire says that no more records come in the ring.
func (r *ring) retire() {
	r.retired = true
	r.closeIfUnused()
}

func (r *ring) closeIfUnused() {
	if r.retired && r.used == 0 && r.fd >= 0 {
		unix.Close(r.fd)
		r.fd = -1
		r.owner.living--
		r.owner.topic.hub.quota.Give(r.owner.UID)
	}
}

// read reads n bytes of a slot from an offset on. The slot is held, so the descriptor
// is open.
func (s *slot) read(p []byte, offset int64) error {
	at := int64(s.index)*int64(s.ring.Size) + offset
	for len(p) > 0 {
		n, err := unix.Pread(s.ring.fd, p, at)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return fmt.Errorf("cannot read a ring: %w", err)
		case n == 0:
			return fmt.Errorf("cannot read a ring: it ends at byte %d", at)
		}
		p, at = p[n:], at+int64(n)
	}
	return nil
}
