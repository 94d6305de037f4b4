package topic

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"rpcd/rpcd/limit"
)

// ErrClosed says that the worker is about to end.
var ErrClosed = errors.New("topics are closed")

// ErrTooMany says that a user, or a publisher, has as much as there may be.
var ErrTooMany = errors.New("too many publishers, subscribers and rings of yours")

// largeBytes bounds the records that are being taken up from LARGE frames, in bytes:
// four of the largest. One user's may have half.
const largeBytes = 256 << 20

// Hub is all topics of a worker.
type Hub struct {
	quota  *limit.Quota  // of publishers, subscribers and rings: a descriptor each
	large  *limit.Budget // of records that are being read
	haste  time.Duration // inHaste
	queued atomic.Int64  // bytes in the queues of all subscribers, and on their way out of them

	mu     sync.Mutex
	topics map[string]*Topic
	closed bool
}

// NewHub makes a hub that may have so many descriptors.
func NewHub(descriptors int) *Hub {
	return &Hub{quota: limit.NewQuota(descriptors), large: limit.NewBudget(largeBytes), haste: inHaste, topics: map[string]*Topic{}}
}

// join gives the topic of a name with its lock held, to somebody who leaves it later.
// The policy is what its file says now.
func (h *Hub) join(uid uint32, name string, p Policy) (*Topic, error) {
	if !h.quota.Take(uid) {
		return nil, ErrTooMany
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		h.quota.Give(uid)
		return nil, ErrClosed
	}
	t := h.topics[name]
	if t == nil {
		t = newTopic(h, name)
		h.topics[name] = t
	}
	t.mu.Lock()
	t.setPolicy(p)
	return t, nil
}

// leave is join's other end. A topic that never had a record is forgotten with its last
// user.
func (h *Hub) leave(t *Topic, uid uint32) {
	h.quota.Give(uid)
	h.mu.Lock()
	defer h.mu.Unlock()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next == 1 && len(t.subscribers) == 0 && len(t.publishers) == 0 && h.topics[t.Name] == t {
		delete(h.topics, t.Name)
	}
}

// State describes a topic, whose file says p.
func (h *Hub) State(name string, p Policy) State {
	h.mu.Lock()
	t := h.topics[name]
	h.mu.Unlock()
	if t == nil {
		return State{Policy: p}
	}
	s := t.State()
	s.Policy = p
	return s
}

// Close ends all publishers and subscribers, and those to come. It doesn't wait.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, t := range h.topics {
		t.mu.Lock()
		t.closed = true
		t.setPolicy(Policy{})
		for p := range t.publishers {
			p.Refuse(ErrClosed)
		}
		for s := range t.subscribers {
			s.Refuse(ErrClosed)
		}
		t.wake()
		t.mu.Unlock()
	}
}
