package topic

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"rpcd/rpcd/wire"
)

// read takes a publisher's frames until END. io.EOF and other errors say that the
// connection ended before it. What a publisher has sent, and that waits for a
// subscriber, is read even when the publisher is gone by then.
func (p *publisher) read(ctx context.Context, br *bufio.Reader) error {
	for {
		if err := p.topic.await(ctx, p.topic.hasRoom); err != nil {
			return err
		}
		h, err := wire.ReadHeader(br)
		if err != nil {
			return err
		}
		switch h.Type {
		case wire.TypeEnd:
			return nil
		case wire.TypeHeartbeat:
			continue
		case wire.TypePublish, wire.TypeRecords, wire.TypeLarge, wire.TypeNotices:
		default:
			return unexpected(h.Type, "a publisher")
		}
		payload, err := wire.ReadPayload(br, h)
		if err != nil {
			return err
		}
		if err := p.frame(ctx, h, payload, br); err != nil {
			return err
		}
	}
}

func (p *publisher) frame(ctx context.Context, h wire.Header, payload []byte, br *bufio.Reader) error {
	switch h.Type {
	case wire.TypePublish:
		return p.addRing(payload)
	case wire.TypeRecords:
		r, err := wire.ParseRecords(payload)
		if err != nil {
			return err
		}
		p.publish(item{records: r})
		return nil
	case wire.TypeLarge:
		m, err := wire.ParseLarge(payload)
		if err != nil {
			return err
		}
		return p.large(ctx, m.Length, br)
	}
	list, err := wire.ParseNotices(payload)
	if err != nil {
		return err
	}
	return p.notices(list)
}

func (p *publisher) publish(i item) {
	p.topic.mu.Lock()
	p.topic.publish(i)
	p.came += uint64(i.count())
	p.writeOut()
}

// writeOut sees to it that what was put into the queues is written: at once, unless
// frames come in haste. The topic's lock is held, and given back.
func (p *publisher) writeOut() {
	last := p.last
	p.last = time.Now()
	if p.last.Sub(last) < p.topic.hub.haste {
		p.topic.wakeWriters()
		p.topic.mu.Unlock()
		return
	}
	p.claims = p.topic.claim(p.claims[:0])
	p.topic.mu.Unlock()
	for i := range p.claims {
		p.claims[i].write()
	}
	clear(p.claims)
}

// notices publishes records that lie in the publisher's rings.
func (p *publisher) notices(list []wire.Notice) error {
	p.topic.mu.Lock()
	defer p.writeOut()
	for _, n := range list {
		i := slices.IndexFunc(p.rings, func(r *ring) bool { return r.theirs == n.Ring })
		if i < 0 || n.Index >= p.rings[i].Slots || n.Length > p.rings[i].Size {
			return errSlot
		}
		s := &p.rings[i].slots[n.Index]
		if s.refs > 0 || s.owed {
			return errSlot
		}
		s.hold() // so that it isn't freed as long as it is given out
		p.topic.publish(item{slot: s, length: n.Length})
		s.release()
		p.came++
	}
	return nil
}

// large publishes a record that follows as DATA. Others may have put something into the
// queues while it waited for memory.
func (p *publisher) large(ctx context.Context, length uint64, br *bufio.Reader) error {
	memory, err := p.topic.hub.large.Take(ctx, p.UID, int64(length))
	if err != nil {
		return err
	}
	defer memory.Give()
	if err := p.topic.await(ctx, p.topic.hasRoom); err != nil {
		return err
	}
	b, err := readLarge(br, int(length))
	if err != nil {
		return err
	}
	p.publish(item{large: b})
	return nil
}

// readLarge reads a record that follows as DATA. Its memory grows with what has come.
func readLarge(br *bufio.Reader, length int) ([]byte, error) {
	b := make([]byte, 0, min(length, wire.MaxData))
	for len(b) < length {
		h, err := wire.ReadHeader(br)
		if err != nil {
			return nil, noEOF(err)
		}
		n := int(h.Length)
		switch {
		case h.Type == wire.TypeHeartbeat:
			continue
		case h.Type != wire.TypeData || h.Stream != 0:
			return nil, unexpected(h.Type, "a publisher in the middle of a record")
		case n == 0 || n > length-len(b):
			return nil, fmt.Errorf("%w: DATA of %d bytes, of a record that lacks %d", wire.ErrProtocol, n, length-len(b))
		}
		if cap(b)-len(b) < n {
			b = append(make([]byte, 0, min(length, max(4*cap(b), len(b)+n))), b...)
		}
		at := len(b)
		b = b[:at+n]
		if _, err := io.ReadFull(br, b[at:]); err != nil {
			return nil, noEOF(err)
		}
	}
	return b, nil
}
