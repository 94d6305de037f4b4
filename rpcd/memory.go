package rpcd

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

// memory is a number of bytes that all connections share for what is big, first
// come, first served. One user has half of it at most.
type memory struct {
	all  *semaphore.Weighted
	half int64

	mu    sync.Mutex
	users map[uint32]*share
}

// share is one user's half, there for as long as it is wanted.
type share struct {
	*semaphore.Weighted
	wanted int
}

func newMemory(size int64) *memory {
	return &memory{all: semaphore.NewWeighted(size), half: size / 2, users: map[uint32]*share{}}
}

// take waits for n bytes for a user, until ctx ends; give gives them back, once.
func (m *memory) take(ctx context.Context, uid uint32, n int64) (give func(), err error) {
	s := m.share(uid)
	if err := s.Acquire(ctx, n); err != nil {
		m.unshare(uid)
		return nil, err
	}
	if err := m.all.Acquire(ctx, n); err != nil {
		s.Release(n)
		m.unshare(uid)
		return nil, err
	}
	return sync.OnceFunc(func() {
		m.all.Release(n)
		s.Release(n)
		m.unshare(uid)
	}), nil
}

func (m *memory) share(uid uint32) *share {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.users[uid]
	if s == nil {
		s = &share{Weighted: semaphore.NewWeighted(m.half)}
		m.users[uid] = s
	}
	s.wanted++
	return s
}

func (m *memory) unshare(uid uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.users[uid]; s.wanted > 1 {
		s.wanted--
	} else {
		delete(m.users, uid)
	}
}
