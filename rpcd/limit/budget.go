package limit

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// Budget is a number of bytes that all connections share for what is large. It
// bounds the memory of the process, first come, first served. One user may have
// half of it, so that the others always get some.
type Budget struct {
	all  *semaphore.Weighted
	half int64 // bytes

	mu    sync.Mutex
	users map[uint32]*share // by user ID; those that have or wait for some
}

// share is one user's half. It is deleted when nobody has or waits for some.
type share struct {
	*semaphore.Weighted
	takers int // that have or wait for some
}

// NewBudget makes a budget of so many bytes.
func NewBudget(bytes int64) *Budget {
	return &Budget{all: semaphore.NewWeighted(bytes), half: bytes / 2, users: map[uint32]*share{}}
}

// Loan is a part of a Budget. A nil Loan is nothing.
type Loan struct {
	of    *Budget
	share *share
	uid   uint32

	mu sync.Mutex
	n  int64 // bytes; 0: given back
}

// Take waits for n bytes for the user uid until ctx ends; the error is ctx's.
// More than half of the budget can never be had. The caller gives the loan back.
func (b *Budget) Take(ctx context.Context, uid uint32, n int64) (*Loan, error) {
	s := b.enter(uid)
	if err := s.Acquire(ctx, n); err != nil {
		b.leave(uid)
		return nil, err
	}
	if err := b.all.Acquire(ctx, n); err != nil {
		s.Release(n)
		b.leave(uid)
		return nil, err
	}
	return &Loan{of: b, share: s, uid: uid, n: n}, nil
}

// Keep gives back all but n bytes. With 0, or after Give, it is Give.
func (l *Loan) Keep(n int64) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	back := l.n - n
	if back <= 0 {
		return
	}
	l.n = n
	l.of.all.Release(back)
	l.share.Release(back)
	if n == 0 {
		l.of.leave(l.uid)
	}
}

// Give gives the loan back. It may be called more than once.
func (l *Loan) Give() { l.Keep(0) }

func (b *Budget) enter(uid uint32) *share {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.users[uid]
	if s == nil {
		s = &share{Weighted: semaphore.NewWeighted(b.half)}
		b.users[uid] = s
	}
	s.takers++
	return s
}

func (b *Budget) leave(uid uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.users[uid]
	if s.takers--; s.takers == 0 {
		delete(b.users, uid)
	}
}
