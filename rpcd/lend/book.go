// Package lend lends a kept connection to the resident worker that serves its calls,
// for a tenth of a second at a time: a call between the two then costs the daemon
// nothing (PROTOCOL.md, section 7). It says when, keeps the daemon's own reader away
// meanwhile, and recalls. What a worker does with a loan is rpcd/resident/pool's.
package lend

import (
	"context"
	"sync"
	"time"

	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/run"
	"rpcd/rpcd/talk"
)

// Bounds of a loan. What its caller says meanwhile, its going away too, is heard when
// the time is over, and a rule that was changed counts then.
const (
	loanTime  = 100 * time.Millisecond
	loanCalls = 1000 // ids are put aside for so many
)

// Book has the loans of a daemon. The zero value has none.
type Book struct {
	mu     sync.Mutex
	closed bool
	open   map[*entry]struct{}
}

type entry struct {
	recall context.CancelFunc
	over   chan struct{}
}

// Order is a call whose connection may be lent.
type Order struct {
	Runner  run.Lender
	Job     run.Job
	Conn    *fdconn.Conn
	Gate    *Gate      // of the goroutine that reads Conn
	Talk    *talk.Conn // over Conn
	Frame   []byte     // the call's CALL
	Started []byte     // see run.Loan
	// Reserve puts so many ids aside, and gives the first.
	Reserve func(n uint64) uint64
}

// Lend lends, and waits for the end of the loan. nil: nothing was begun. Else the
// caller calls resume when the call can be found: it has others read again.
func (b *Book) Lend(ctx context.Context, o Order) (_ *run.Returned, resume func()) {
	recall, cancel := context.WithCancel(ctx)
	defer cancel()
	e := &entry{cancel, make(chan struct{})}
	if !b.enter(e) {
		return nil, nil
	}
	end := func() {
		o.Talk.Uninterrupt()
		o.Gate.open()
		b.leave(e)
	}
	if o.Gate.close(ctx, o.Talk.Interrupt) != nil {
		end()
		return nil, nil
	}
	fd, err := o.Conn.Detach()
	if err != nil {
		end()
		return nil, nil
	}
	r := o.Runner.Lend(ctx, o.Job, run.Loan{
		Conn: fd, Frame: o.Frame, Started: o.Started, Time: loanTime, Recall: recall,
		Most: loanCalls, Next: o.Reserve(loanCalls - 1),
	})
	_ = o.Conn.Attach(fd) // a failure is the connection's end, which its reader sees
	if r == nil {
		end()
		return nil, nil
	}
	return r, end
}

func (b *Book) enter(e *entry) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	if b.open == nil {
		b.open = map[*entry]struct{}{}
	}
	b.open[e] = struct{}{}
	return true
}

func (b *Book) leave(e *entry) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.open, e)
	close(e.over)
}

// Recall recalls all loans, since somebody waits. Workers give back what they have
// when their call is over; a call that lasts is the daemon's at once.
func (b *Book) Recall() (all []<-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for e := range b.open {
		e.recall()
		all = append(all, e.over)
	}
	return all
}

// Settle is Recall, and waits until all of these loans are over, or ctx ends. It says
// whether there was any.
func (b *Book) Settle(ctx context.Context) bool {
	all := b.Recall()
	for _, over := range all {
		select {
		case <-over:
		case <-ctx.Done():
		}
	}
	return len(all) > 0
}

// Insist does what may fail for want of a place, and does it again when the places that
// loans have are free.
func (b *Book) Insist(ctx context.Context, do func() error) error {
	err := do()
	if limit.IsFull(err) && b.Settle(ctx) {
		err = do()
	}
	return err
}

// Close is Recall for good: nothing is lent any more.
func (b *Book) Close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.Recall()
}
