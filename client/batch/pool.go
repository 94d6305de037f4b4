package batch

import (
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/client"
	"rpcd/internal/printable"
)

// holdBack is how many results a slot may be held back for the sake of order.
const holdBack = 4

// fullFor is how long a replica counts as full that said so, unless a call of ours
// ends there before.
const fullFor = 100 * time.Millisecond

// pool are the replicas of a worker, and the slots for calls to them.
type pool struct {
	worker, procedure string
	jobs              int // slots; 0: what the replicas serve at once
	wait              time.Duration

	mu       sync.Mutex
	changed  *sync.Cond
	sites    []*site
	running  int       // calls, between begin and end
	open     int       // records, between begin and written
	stopped  bool      // no more begin
	canceled bool      // none is tried again, either
	looks    int       // how often the replicas were looked at
	noneFrom time.Time // since when no replica takes calls; zero: one does
	lookErr  error     // why the replicas can't be listed, or nil

	kick chan struct{} // asks for a look
	over chan struct{}
}

// site is a replica. pool.mu guards it.
type site struct {
	socket, name string
	conn         *client.Conn
	capacity     int // calls that it serves at once
	running      int // calls of ours
	state        siteState
	err          error // why it isn't up
	fullUntil    time.Time
}

// siteState says whether a replica takes calls. One that is down is asked each second
// whether it is up again. One that is unfit, since it refuses what is called, stays so.
type siteState uint8

const (
	siteDown siteState = iota
	siteUp
	siteUnfit
)

func newPool(worker, procedure string, jobs int, wait time.Duration) *pool {
	p := &pool{worker: worker, procedure: procedure, jobs: jobs, wait: wait, kick: make(chan struct{}, 1), over: make(chan struct{})}
	p.changed = sync.NewCond(&p.mu)
	return p
}

func newSite(worker, socket string) *site {
	return &site{socket: socket, name: printable.Line(strings.TrimSuffix(filepath.Base(socket), ".sock")), conn: client.At(worker, socket), capacity: 1}
}

// slots is how many calls may run at once. mu is held.
func (p *pool) slots() int {
	if p.jobs > 0 {
		return p.jobs // newRun has checked it
	}
	sum := 0
	for _, s := range p.sites {
		if s.state == siteUp {
			sum += s.capacity
		}
	}
	return min(max(sum, 1), mostSlots())
}

// A call has some descriptors: its connection, its streams, and files of long results
// that are held back. This process has some for itself.
const (
	slotDescriptors = 8
	ownDescriptors  = 40
)

// mostSlots is how many calls at once the limit of open files allows.
var mostSlots = sync.OnceValue(func() int {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return mostCapacity
	}
	own := uint64(ownDescriptors)
	return int((max(min(limit.Cur, 1<<20), own+slotDescriptors) - own) / slotDescriptors)
})

// begin waits for a slot, and for room to hold a result back. It gives false when no
// record is to be begun any more.
func (p *pool) begin() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.stopped && (p.running >= p.slots() || p.open > holdBack*p.slots()) {
		p.changed.Wait()
	}
	if p.stopped {
		return false
	}
	p.running++
	p.open++
	return true
}

// end gives a slot back.
func (p *pool) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	p.changed.Broadcast()
}

// written says that so many results are held no more.
func (p *pool) written(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open -= n
	p.changed.Broadcast()
}

// stop lets no record begin any more.
func (p *pool) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.changed.Broadcast()
}

// cancel lets no record be tried again, either.
func (p *pool) cancel() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.canceled = true
	p.changed.Broadcast()
}

// close closes the connections that no call uses.
func (p *pool) close() {
	close(p.over)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.sites {
		s.conn.Close()
	}
}

// capacityOf is how many calls of a procedure a replica serves at once: as it has
// resident workers, or else processors.
func capacityOf(info *client.Info, procedure string) int {
	for _, e := range info.Procedures {
		if e.Name == procedure && e.Workers.Wanted > 0 {
			return int(min(e.Workers.Wanted, mostCapacity))
		}
	}
	return int(max(1, min(info.Load.CPUs, info.Load.MaxCalls, mostCapacity)))
}

// mostCapacity bounds what a replica may say of itself: the default of --max-calls.
const mostCapacity = 1024
