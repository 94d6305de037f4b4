package pool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"rpcd/rpcd/run"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

var _ run.Lender = (*pool)(nil)

// look is how often a loan that was recalled looks into the notes, while its worker
// answers nothing: a call may have begun just then.
const look = 5 * time.Millisecond

// errNotes says that a worker's notes, or what it says of a loan, can't be true.
var errNotes = fmt.Errorf("%w: its notes of a loan make no sense", wire.ErrProtocol)

// Lend lends a connection to an idle worker. See run.Lender.
func (p *pool) Lend(ctx context.Context, j run.Job, l run.Loan) *run.Returned {
	m, fds, err := message(j)
	if err != nil {
		return nil // Start says it
	}
	n := uint8(len(fds))
	m.Streams = append(m.Streams, wire.Stream{Mode: wire.Connection, Index: n}, wire.Stream{Mode: wire.Notes, Index: n + 1})
	w, most := p.takeBorrower(l.Most)
	if w == nil {
		return nil
	}
	frame := (&wire.Lend{Call: m, Frame: l.Frame, Next: l.Next, Most: uint64(most), Started: l.Started}).Append()
	o := &loan{Loan: l, worker: w, call: &call{worker: w, id: idOf(j.Env), Caller: talk.NewCaller(w.conn, m)}}
	o.Most = most
	fits := len(frame)-wire.HeaderLen <= wire.MaxLend && len(fds)+2 <= wire.MaxDescriptors
	if !o.begin() || !fits || l.Recall.Err() != nil {
		o.call.over()
		p.putBack(w)
		return nil
	}
	r := o.run(ctx, frame, append(fds, l.Conn, w.notes.fd))
	if r == nil || r.Process == nil {
		o.call.over()
		o.call.Over(nil, o.free)
		if o.free {
			p.release(w)
		}
	}
	return r
}

// begin has the worker's end leave the notes, and says whether there are any.
func (o *loan) begin() bool {
	w := o.worker
	w.mu.Lock()
	defer w.mu.Unlock()
	w.call = o.call
	return !w.ended && w.notes.open()
}

// takeBorrower takes an idle worker that takes loans, and says how many calls it may
// serve: not one that has to be replaced after the next, nor while calls wait.
func (p *pool) takeBorrower(most int) (*worker, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.waiters) > 0 || p.closed != nil || p.rules == nil {
		return nil, 0
	}
	w := p.popIdle()
	if w == nil {
		return nil, 0
	}
	if p.rules.MaxUses > 0 {
		most = min(most, p.rules.MaxUses-w.uses)
	}
	if !w.borrows || most < 2 {
		p.idle = append(p.idle, w)
		return nil, 0
	}
	return w, most
}

// putBack is release for a worker that got nothing.
func (p *pool) putBack(w *worker) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free(w)
}

// loan is a connection that a worker serves. One goroutine runs it; hurry is called by
// others.
type loan struct {
	run.Loan
	worker   *worker
	call     *call // the one that may be left over
	recalled time.Time
	free     bool // the worker has given all back

	mu   sync.Mutex
	over bool // nothing is waited for any more
}

// hurry has run recall the loan.
func (o *loan) hurry() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.over {
		o.worker.conn.ExpectWithin(0)
	}
}

// settle ends hurry.
func (o *loan) settle() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.over = true
}

// run lends, and waits until the worker has given the connection back, or until a call
// turns out to last: that one is the lender's then. nil: nothing was begun.
func (o *loan) run(ctx context.Context, frame []byte, fds []int) *run.Returned {
	w := o.worker
	defer o.settle()
	w.conn.ExpectWithin(w.pool.set.Times.First)
	if err := w.conn.WriteDescriptors(frame, fds); err != nil && !talk.Gone(err) {
		return o.lost(ctx, err)
	}
	w.conn.ExpectWithin(o.Time)
	defer context.AfterFunc(o.Recall, o.hurry)() // not before: the write would fail
	for {
		_, err := w.br.Peek(wire.HeaderLen)
		switch {
		case err == nil:
			o.settle()
			r, err := o.answer()
			if err != nil {
				return o.lost(ctx, err)
			}
			return r
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return o.lost(ctx, err)
		case o.recalled.IsZero():
			o.recalled = time.Now()
			if !w.fd.TrySend(wire.Recall()) { // the worker has gone: it had read all else
				return o.lost(ctx, io.EOF)
			}
			barrier()
		case time.Since(o.recalled) > w.pool.set.Times.First/2: // a caller waits for First
			return o.lost(ctx, errSilent)
		}
		switch number, state, began := w.notes.read(); {
		case state == noteBusy && !o.isOne(number):
			return o.lost(ctx, errNotes)
		case state == noteBusy:
			return o.adopt(number, began)
		}
		w.conn.ExpectWithin(look)
	}
}

// isOne says whether a call of the loan can have that number.
func (o *loan) isOne(number uint64) bool { return 0 < number && number <= uint64(o.Most) }

// adopt makes the call that the worker is at one of rpcd's. It answers to rpcd, since
// it has been told so before the call's end: PROTOCOL.md, section 7.
func (o *loan) adopt(number uint64, began time.Time) *run.Returned {
	o.settle()
	c := o.call
	c.id, c.number = o.id(number), number
	c.worker.uses++
	c.returned, c.adopted = &wire.Sums{}, o.recalled
	c.Runs()
	return &run.Returned{Process: c, ID: c.id, Args: c.worker.notes.args(), Began: began, Sums: c.returned}
}

// id gives the id of a call of the loan.
func (o *loan) id(number uint64) string {
	if number <= 1 {
		return o.call.id
	}
	return fmt.Sprint(o.Next + number - 2)
}

// answer takes RETURNED, or REFUSED to the first call. An error is the worker's fault.
func (o *loan) answer() (*run.Returned, error) {
	w := o.worker
	w.conn.ExpectWithin(w.pool.set.Times.First)
	h, err := wire.ReadHeader(w.conn)
	if err != nil {
		return nil, err
	}
	payload, err := wire.ReadPayload(w.conn, h)
	if err != nil {
		return nil, err
	}
	number, _, began := w.notes.read()
	if h.Type == wire.TypeRefused && number == 0 { // Start asks again, and takes the words
		o.free = true
		return nil, nil
	}
	m, err := takeReturned(h, payload, number)
	if err != nil || number > 0 && !o.isOne(number) {
		return nil, cmp.Or(err, errNotes)
	}
	w.uses += int(m.Sums.Served)
	if m.Held > 0 {
		r := o.adopt(number, began)
		*r.Sums, o.call.hasReturned = m.Sums, true
		return r, nil
	}
	o.free = true
	if number == 0 {
		return nil, nil
	}
	return &run.Returned{ID: o.id(number), Sums: &m.Sums, Broken: m.Flags&wire.ReturnedBroken != 0}, nil
}

// takeReturned reads RETURNED of a loan with so many calls, the held one included.
func takeReturned(h wire.Header, payload []byte, number uint64) (*wire.Returned, error) {
	if h.Type != wire.TypeReturned {
		return nil, fmt.Errorf("%w: a %v frame in a loan", wire.ErrProtocol, h.Type)
	}
	m, err := wire.ParseReturned(h.Flags, payload)
	if err != nil {
		return nil, err
	}
	served := number
	if m.Held > 0 {
		served--
	}
	if m.Held > 0 && m.Held != number || m.Sums.Served != served || m.Sums.Lost > served {
		return nil, errNotes
	}
	return m, nil
}

// lost ends a worker that can't go on with a loan, and finds in the notes what became
// of its calls.
func (o *loan) lost(ctx context.Context, err error) *run.Returned {
	o.settle()
	w := o.worker
	why := o.call.explain(err)
	if errors.Is(err, io.EOF) || talk.Gone(err) {
		w.endedBySelf()
	}
	w.breakOff(why)
	select {
	case <-w.died:
	case <-ctx.Done(): // it may hang in the kernel
		return &run.Returned{Sums: &wire.Sums{}, Broken: true}
	}
	number, state, began := w.notes.read()
	switch {
	case number == 0 && state == noteIdle:
		return nil
	case !o.isOne(number):
		return &run.Returned{Sums: &wire.Sums{}, Broken: true}
	case state == noteBusy:
		r := o.adopt(number, began)
		*r.Sums, o.call.hasReturned = wire.Sums{Served: number - 1}, true
		o.call.broken = w.why()
		return r
	case state == noteIdle:
		return &run.Returned{ID: o.id(number), Sums: &wire.Sums{Served: number}}
	}
	return &run.Returned{ID: o.id(number), Sums: &wire.Sums{Served: number, Lost: 1}, Broken: true}
}
