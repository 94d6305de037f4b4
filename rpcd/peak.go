package rpcd

import (
	"runtime/debug"
	"sync"
	"time"
)

// peak counts connections, and gives the memory of a rush back when it is over:
// the runtime would keep it for minutes.
type peak struct {
	mu   sync.Mutex
	n    int
	high int
}

// rush is from how many connections on it is worth it; each takes some 16 KiB.
const rush = 512

// rushPause is how long after a rush the memory is given back.
const rushPause = time.Second

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
	if p.high >= rush && p.n <= p.high/8 {
		p.high = p.n
		time.AfterFunc(rushPause, debug.FreeOSMemory)
	}
}
