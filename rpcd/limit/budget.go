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

// Take waits for n bytes for the user uid until ctx ends; the error is ctx's.
// More than half of the budget can never be had. The caller gives the bytes back
// by give, once or more often.
func (b *Budget) Take(ctx context.Context, uid uint32, n int64) (give func(), err error) {
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
	return sync.OnceFunc(func() {
		b.all.Release(n)
		s.Release(n)
		b.leave(uid)
	}), nil
}

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
