package client

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"rpcd/rpcd/talk"
	"rpcd/rpcd/topic/ring"
	"rpcd/rpcd/wire"
)

// TopicOptions are those of Publish and Subscribe. The zero value is the default.
type TopicOptions struct {
	Subscribers int           // that Publish waits for
	RetryFor    time.Duration // how long to go on trying a worker that isn't there
	Label       string        // in the worker's log
	ByValue     bool          // no shared memory, as through a bridge
	Heartbeat   time.Duration // as of Options
}

// Publisher sends records to a topic. Its methods may be called by any goroutine.
//
// Small records are collected while others are being written, and leave together. One
// of 64 KiB or more is written into memory that all subscribers share, where the worker
// is on this host.
type Publisher struct {
	*member

	mu        sync.Mutex
	changed   *sync.Cond // something was written, freed, or has failed
	batch     wire.RecordBatch
	notices   []wire.Notice
	writing   bool          // the writer is at work
	lastWrite time.Time     // its end
	haste     time.Duration // inHaste
	data      []byte        // room for a DATA frame; for who writes
	closed    bool
	err       error
	ring      *ring.Ring
	old       []*ring.Ring // that were too small
	free      []uint32     // slots of ring, the last one freed is taken first
	rings     uint32       // how many there were
	places    int          // given out by Next
	starved   bool         // slow subscribers hold all slots
	sent      uint64
	ended     chan struct{} // closed: the worker has said its last word
	end       *wire.TopicEnd
	wake      chan struct{} // has room for one: there is something to write
	finished  chan struct{} // closed: the writer has ended
}

// Publish connects to a topic, and waits for its subscribers if that is asked for. The
// error is an *Error, or ctx's.
func Publish(ctx context.Context, worker, topic string, o TopicOptions) (*Publisher, error) {
	m, err := join(ctx, worker, topic, wire.TypePublish, o)
	if err != nil {
		return nil, err
	}
	p := &Publisher{member: m, haste: inHaste, ended: make(chan struct{}), wake: make(chan struct{}, 1), finished: make(chan struct{})}
	p.changed = sync.NewCond(&p.mu)
	go p.read()
	go p.write()
	return p, nil
}

// Send sends a record, of which nothing is kept. It waits when subscribers are slow and
// the topic's policy is block. What an error stops may have been sent or not.
func (p *Publisher) Send(record []byte) error {
	if len(record) > p.mostBytes() {
		return p.tooLarge(len(record))
	}
	if len(record) >= wire.MinRing && !p.byValue {
		place, err := p.Next(len(record))
		if err != nil {
			return err
		}
		copy(place.Bytes, record)
		return place.Send(len(record))
	}
	return p.byCopy(record)
}

// byCopy sends a record by value.
func (p *Publisher) byCopy(record []byte) error {
	if len(record) > wire.MaxSmall {
		return p.sendLarge(record)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		switch {
		case p.err != nil:
			return p.err
		case p.closed:
			return errPublisherClosed
		case len(p.notices) == 0 && p.batch.Add(record):
			p.sent++
			if !p.sendAtOnce() {
				p.stir()
			}
			return nil
		}
		p.changed.Wait()
	}
}

const (
	// atOnce is how many bytes Send writes itself, at most.
	atOnce = 16 << 10
	// inHaste is how soon behind the last write a record counts as one of many: they are
	// collected, and leave together.
	inHaste = 50 * time.Microsecond
)

// sendAtOnce writes what was collected, if that is little and needs no wait; p.mu is
// held. To have the writer do it takes longer than the write.
func (p *Publisher) sendAtOnce() bool {
	if p.writing || p.batch.Size() > atOnce || time.Since(p.lastWrite) < p.haste || !p.conn.FD.TrySend(p.batch.Frame()) {
		return false
	}
	p.batch.Reset()
	p.lastWrite = time.Now()
	return true
}

var errPublisherClosed = errors.New("the publisher is closed")

// stir has the writer look; p.mu is held.
func (p *Publisher) stir() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// sendLarge sends a record by value that doesn't fit into a frame of them.
func (p *Publisher) sendLarge(record []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.err == nil && !p.closed && (p.writing || p.batch.Len() > 0 || len(p.notices) > 0) {
		p.changed.Wait()
	}
	switch {
	case p.err != nil:
		return p.err
	case p.closed:
		return errPublisherClosed
	}
	p.writing = true
	p.sent++
	p.mu.Unlock()
	p.conn.FD.EnlargeSendBuffer()
	p.data = wire.Large{Length: uint64(len(record))}.Append(p.data[:0])
	var err error
	for len(record) > 0 && err == nil {
		n := min(len(record), wire.MaxData)
		p.data = wire.AppendData(p.data, record[:n])
		err = p.conn.WriteFrame(p.data)
		p.data, record = p.data[:0], record[n:]
	}
	p.mu.Lock()
	p.wrote(err)
	return p.err
}

// wrote ends a write of somebody's who had set p.writing; p.mu is held.
func (p *Publisher) wrote(err error) {
	p.failed(err)
	p.writing = false
	p.lastWrite = time.Now()
	p.changed.Broadcast()
	p.stir()
}

// Flush waits until all that was sent has left this process.
func (p *Publisher) Flush() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flush()
}

// flush is Flush; p.mu is held.
func (p *Publisher) flush() error {
	for p.err == nil && (p.writing || p.batch.Len() > 0 || len(p.notices) > 0) {
		p.changed.Wait()
	}
	return p.err
}

// Close publishes what was sent, and ends: without an error the worker has all records.
func (p *Publisher) Close() error {
	p.mu.Lock()
	err := p.flush()
	was := p.closed
	p.closed = true
	p.changed.Broadcast()
	p.unmap()
	p.mu.Unlock()
	if was {
		return err
	}
	if err == nil {
		err = p.conn.WriteFrame(wire.Frame(wire.TypeEnd, 0, 0, nil))
		if err == nil {
			<-p.ended
		}
		p.mu.Lock()
		if err = p.err; err == nil && p.end == nil {
			err = p.lost(io.EOF)
		}
		p.mu.Unlock()
	}
	p.stir()
	p.conn.Close()
	<-p.ended
	<-p.finished
	return err
}

// Done is closed when nothing more can be sent: the worker has ended the topic, the
// connection is lost, or the publisher is closed. Flush gives the error.
func (p *Publisher) Done() <-chan struct{} { return p.ended }

// Sent is how many records were given to Send.
func (p *Publisher) Sent() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent
}

// lastWords is how long the reason of an end is waited for, where a write has failed
// because the other side is gone.
const lastWords = time.Second

// failed keeps the first error, of a write; p.mu is held. What the worker said before it
// hung up counts more.
func (p *Publisher) failed(err error) {
	if err != nil && talk.Gone(err) {
		p.mu.Unlock()
		select {
		case <-p.ended:
		case <-time.After(lastWords):
		}
		p.mu.Lock()
	}
	p.fail(err)
}

// fail keeps the first error; p.mu is held.
func (p *Publisher) fail(err error) {
	if err != nil && p.err == nil {
		p.err = p.lost(err)
		p.changed.Broadcast()
	}
}

// write writes what is collected.
func (p *Publisher) write() {
	defer close(p.finished)
	var spare wire.RecordBatch
	var frame, notices []byte
	for range p.wake {
		p.mu.Lock()
		for p.err == nil && !p.writing && (p.batch.Len() > 0 || len(p.notices) > 0) {
			p.writing = true
			if p.batch.Len() > 0 {
				spare, p.batch = p.batch, spare
				p.batch.Reset()
				frame = spare.Frame()
			} else {
				notices = wire.AppendNotices(notices[:0], p.notices)
				frame = notices
				p.notices = p.notices[:0]
			}
			p.changed.Broadcast()
			p.mu.Unlock()
			err := p.conn.WriteFrame(frame)
			p.mu.Lock()
			p.failed(err)
			p.writing = false
			p.lastWrite = time.Now()
			p.changed.Broadcast()
		}
		over := p.err != nil || p.closed
		p.mu.Unlock()
		if over {
			return
		}
	}
}

// read takes what the worker says.
func (p *Publisher) read() {
	defer close(p.ended)
	for {
		h, payload, err := p.frame()
		p.mu.Lock()
		switch {
		case err != nil:
			p.fail(err)
			p.stir()
			p.mu.Unlock()
			p.conn.Abort() // who writes is at its end, too
			return
		case h.Type == wire.TypeFreed:
			list, err := wire.ParseFreed(payload)
			p.fail(err)
			for _, s := range list {
				p.give(s.Ring, s.Index)
			}
		case h.Type == wire.TypeEnded:
			p.end, err = wire.ParseTopicEnd(payload)
			p.fail(err)
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
	}
}
