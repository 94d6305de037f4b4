package child

import (
	"sync"

	"rpcd/rpcd/child/cgroup"
)

// memory tells which children the kernel has killed for want of memory.
var memory = &memoryKills{}

// memoryKills is the kernel's count of such kills, which is rpcd's and all its
// children's together.
type memoryKills struct {
	cgroup *cgroup.Memory // nil: nobody counts

	mu        sync.Mutex
	explained uint64 // so many of them were taken for the end of some child
}

// open begins to count. Setup calls it.
func (m *memoryKills) open() { m.cgroup = cgroup.OwnMemory() }

// count is the kernel's count of this moment; 0 where it isn't known.
func (m *memoryKills) count() uint64 {
	n, _ := m.cgroup.Kills()
	return n
}

// explain reports whether a kill since before may be the end of a child, and
// explains no other child by it.
func (m *memoryKills) explain(before uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := max(before, m.explained)
	if m.count() <= known {
		return false
	}
	m.explained = known + 1
	return true
}

// OutOfMemory reports, once Wait has returned, whether the kernel has killed a
// process of the child for want of memory. It is asked once at most, and only of a
// child that KILL has ended: the kernel doesn't say whom it has killed, so that one
// which somebody else killed at the same time may be taken for it. Where the kernel
// doesn't count, the answer is no.
func (c *Child) OutOfMemory() bool { return memory.explain(c.memoryKills) }
