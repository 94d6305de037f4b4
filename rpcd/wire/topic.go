package wire

import (
	"encoding/binary"
	"time"
)

// TopicBridged is a flag of PUBLISHED and SUBSCRIBED: no descriptor arrived.
const TopicBridged = 1

// Ring describes shared memory for records (PROTOCOL.md, section 8).
type Ring struct {
	Number uint32 // at who made it, from 1 on
	Slots  uint32
	Size   uint64 // of a slot, in bytes
}

// The bounds of a ring, and of records.
const (
	MaxSlots = 1024
	MaxRings = 4        // of a publisher at once
	SlotUnit = 4096     // a slot's size is a multiple of it, in bytes
	MaxSlot  = 1 << 30  // bytes of a slot
	MaxLarge = 64 << 20 // bytes of a record by value
	// MinRing is how many bytes a record in a ring has at least.
	MinRing = 64 << 10
	// MaxSmall is how many bytes a record has at most that travels in RECORDS.
	MaxSmall = 128 << 10
)

// Fits says whether a ring is within the bounds.
func (r *Ring) Fits() bool {
	return r.Number > 0 && r.Slots > 0 && r.Slots <= MaxSlots && r.Size > 0 && r.Size <= MaxSlot && r.Size%SlotUnit == 0
}

// Topic is the message of PUBLISH and of SUBSCRIBE.
type Topic struct {
	Name        string
	Label       string
	Subscribers uint32        // that a publisher waits for
	Ring        *Ring         // of a further PUBLISH
	Heartbeat   time.Duration // 0: the default
}

// Append gives the message as a frame of type t.
func (m *Topic) Append(t Type) []byte {
	f := first()
	f.text(1, m.Name)
	if m.Subscribers > 0 {
		f.u32(2, m.Subscribers)
	}
	f.ring(m.Ring)
	f.text(4, m.Label)
	if m.Heartbeat > 0 {
		f.u64(10, uint64(m.Heartbeat))
	}
	return f.frame(t, 0, 0)
}

func (f *fields) ring(r *Ring) {
	if r == nil {
		return
	}
	b := binary.BigEndian.AppendUint32(nil, r.Number)
	b = binary.BigEndian.AppendUint32(b, r.Slots)
	f.bytes(3, binary.BigEndian.AppendUint64(b, r.Size))
}

func (r *reader) ring(tag uint16, v []byte) *Ring {
	if !r.sized(tag, v, 16) {
		return nil
	}
	found := &Ring{binary.BigEndian.Uint32(v), binary.BigEndian.Uint32(v[4:]), binary.BigEndian.Uint64(v[8:])}
	if !found.Fits() {
		r.fail(protocolError("a ring of %d slots with %d bytes", found.Slots, found.Size))
	}
	return found
}

// MaxGone is how many rings a frame names that go. The others are named by the next.
const MaxGone = 1024

func (f *fields) gone(tag uint16, rings []uint32) {
	for _, n := range rings[:min(len(rings), MaxGone)] {
		f.u32(tag, n)
	}
}

func (r *reader) gone(tag uint16, v []byte, rings []uint32) []uint32 {
	if len(v) != 4 {
		r.fail(protocolError("field %d has %d bytes instead of 4", tag, len(v)))
		return rings
	}
	if len(rings) == MaxGone {
		return rings
	}
	return append(rings, binary.BigEndian.Uint32(v))
}

// ParseTopic reads the payload of PUBLISH or SUBSCRIBE.
func ParseTopic(payload []byte) (*Topic, error) {
	b, err := CheckFirst(payload)
	if err != nil {
		return nil, err
	}
	m := &Topic{}
	r := newReader(b)
	for tag, v, ok := r.next(); ok; tag, v, ok = r.next() {
		switch tag {
		case 1:
			m.Name = r.limited(tag, v, Unknown, "a topic's name", MaxName)
		case 2:
			m.Subscribers = r.u32(tag, v)
		case 3:
			m.Ring = r.ring(tag, v)
		case 4:
			m.Label = r.limited(tag, v, Protocol, "a label", MaxLabel)
		case 10:
			m.Heartbeat = duration(r.u64(tag, v))
		default:
			r.unknown(tag)
		}
	}
	if r.err == nil && m.Name == "" {
		r.err = protocolError("no topic's name")
	}
	return m, r.err
}

// TopicState is the message of PUBLISHED and of SUBSCRIBED.
type TopicState struct {
	Flags                   uint16
	ID                      string
	Subscribers, Publishers uint32
	Next                    uint64 // the number of the next record
	Ring                    *Ring  // whose descriptor rides on the frame
	Policy                  string
	Gone                    []uint32 // SUBSCRIBED's: rings in which no further record comes
}

// Append gives the message as a frame of type t.
func (m *TopicState) Append(t Type) []byte {
	f := answer()
	f.text(1, m.ID)
	f.numbers(2, uint64(m.Subscribers), uint64(m.Publishers), m.Next)
	f.ring(m.Ring)
	f.text(4, cut(m.Policy, 1<<10))
	f.gone(5, m.Gone)
	return f.frame(t, 0, m.Flags)
}

// ParseTopicState reads the payload of PUBLISHED or SUBSCRIBED.
func ParseTopicState(flags uint16, payload []byte) (*TopicState, error) {
	m := &TopicState{Flags: flags}
	r := newReader(payload)
	for tag, v, ok := r.next(); ok; tag, v, ok = r.next() {
		switch tag {
		case 1:
			m.ID = r.text(tag, v)
		case 2:
			n := r.numbers(tag, v, 3)
			m.Subscribers, m.Publishers, m.Next = number32(n[0]), number32(n[1]), n[2]
		case 3:
			m.Ring = r.ring(tag, v)
		case 4:
			m.Policy = r.text(tag, v)
		case 5:
			m.Gone = r.gone(tag, v, m.Gone)
		default:
			r.unknown(tag)
		}
	}
	return m, r.err
}

// TopicEnd is the message of ENDED.
type TopicEnd struct {
	Next        uint64   // the number of the next record
	Came        uint64   // to a publisher: how many of its records did
	Subscribers uint32   // to a publisher: how many there were at the end
	Gone        []uint32 // to a subscriber: as in TopicState
}

// Append gives the message as a frame.
func (m *TopicEnd) Append() []byte {
	f := answer()
	f.numbers(1, m.Next, m.Came, uint64(m.Subscribers))
	f.gone(2, m.Gone)
	return f.frame(TypeEnded, 0, 0)
}

// ParseTopicEnd reads ENDED's payload.
func ParseTopicEnd(payload []byte) (*TopicEnd, error) {
	m := &TopicEnd{}
	r := newReader(payload)
	for tag, v, ok := r.next(); ok; tag, v, ok = r.next() {
		switch tag {
		case 1:
			n := r.numbers(tag, v, 3)
			m.Next, m.Came, m.Subscribers = n[0], n[1], number32(n[2])
		case 2:
			m.Gone = r.gone(tag, v, m.Gone)
		default:
			r.unknown(tag)
		}
	}
	return m, r.err
}
