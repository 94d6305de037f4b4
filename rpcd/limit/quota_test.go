package limit

import "testing"

// One user gets half, two all, and what is given back can be had again.
func TestQuota(t *testing.T) {
	q := NewQuota(5)
	got := map[uint32]int{}
	for range 5 {
		for uid := range uint32(2) {
			if q.Take(uid) {
				got[uid]++
			}
		}
	}
	if got[0] != 3 || got[1] != 2 || q.Take(2) {
		t.Errorf("%v", got)
	}
	q.Give(1)
	if q.Take(0) || !q.Take(2) {
		t.Error("one that is given back isn't for another user")
	}
	for uid, n := range map[uint32]int{0: 3, 1: 1, 2: 1} {
		for range n {
			q.Give(uid)
		}
	}
	if q.all != 0 || len(q.users) != 0 {
		t.Errorf("%+v is left", q)
	}
}
