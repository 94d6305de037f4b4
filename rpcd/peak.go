package rpcd

import (
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

// peak counts connections, and gives the memory of a rush back when it is over:
// the runtime would keep it for minutes.
type peak struct {
	mu   sync.Mutex
	n    int
	high int  // the most since memory was given back
	due  bool // a look is due
}

const (
	rush      = 32              // so many connections are one
	rushPause = 2 * time.Second // after its end memory is given back
	rushHeap  = 16 << 20        // bytes that aren't worth it
)

func (p *peak) enter() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	p.high = max(p.high, p.n)
}

func (p *peak) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n--
	if p.isOver() && !p.due {
		p.due = true
		time.AfterFunc(rushPause, p.giveBack)
	}
}

func (p *peak) isOver() bool { return p.high >= rush && p.n <= p.high/8 }

func (p *peak) giveBack() {
	p.mu.Lock()
	over := p.isOver()
	p.due = false
	if over {
		p.high = p.n
	}
	p.mu.Unlock()
	if over && heap() > rushHeap {
		debug.FreeOSMemory()
	}
}

// heap is how many bytes the runtime holds for the heap and for stacks.
func heap() (sum uint64) {
	held := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"},
	}
	metrics.Read(held)
	for _, s := range held {
		sum += s.Value.Uint64()
	}
	return sum
}
