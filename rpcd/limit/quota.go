package limit

import "sync"

// Quota is a number of things that all connections share, such as descriptors. One
// user may have half of it. Who asks for more than there is gets none: unlike a
// Budget's nobody waits.
type Quota struct {
	most int

	mu    sync.Mutex
	all   int
	users map[uint32]int // by user ID; those that have some
}

// NewQuota makes a quota of so many.
func NewQuota(most int) *Quota { return &Quota{most: most, users: map[uint32]int{}} }

// Take takes one for the user uid, if it can be had. The caller gives it back.
func (q *Quota) Take(uid uint32) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.all >= q.most || q.users[uid] >= (q.most+1)/2 {
		return false
	}
	q.all++
	q.users[uid]++
	return true
}

// Give gives one of the user's back.
func (q *Quota) Give(uid uint32) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.all--
	if q.users[uid]--; q.users[uid] == 0 {
		delete(q.users, uid)
	}
}
