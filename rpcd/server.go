package rpcd

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/export"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/wire"
)

// Server serves the calls of one worker.
//
// States: up (calls are accepted); draining (new ones are refused, running ones
// may end, and are ended when their time is over); dead (without grace). They
// follow each other in this order and never go back.
type Server struct {
	Config
	places  *places
	started time.Time
	null    int // /dev/null, for streams that are closed
	lastID  atomic.Uint64

	dead chan struct{} // closed: no grace any more

	mu       sync.Mutex
	conns    map[*fdconn.Conn]struct{}
	draining bool
	running  map[*call]struct{}
	calls    sync.WaitGroup // running ones, and what is left of ended ones
	counters counters
}

type counters struct{ calls, refused, lost, timedOut, signaled atomic.Uint64 }

// New makes a server.
func New(c Config) (*Server, error) {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", os.DevNull, err)
	}
	return &Server{
		Config:  c,
		places:  newPlaces(c.MaxCalls, c.Queue),
		started: time.Now(),
		null:    null,
		dead:    make(chan struct{}),
		conns:   map[*fdconn.Conn]struct{}{},
		running: map[*call]struct{}{},
	}, nil
}

// acceptPause is how long a shortage (of descriptors, of memory) is given
// before the next accept(2).
const acceptPause = 50 * time.Millisecond

// Serve accepts connections until the listener is closed.
func (s *Server) Serve(l *fdconn.Listener) error {
	short := false
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			short = false
			go s.ServeConn(conn)
		case errors.Is(err, os.ErrClosed), errors.Is(err, unix.EBADF), errors.Is(err, unix.EINVAL):
			return nil
		case errors.Is(err, unix.ECONNABORTED), errors.Is(err, unix.EINTR):
		default:
			if !short {
				s.Log.Warn("cannot accept, trying on", "error", err)
			}
			short = true
			time.Sleep(acceptPause)
		}
	}
}

// ServeConn serves one connection and closes it.
func (s *Server) ServeConn(c *fdconn.Conn) {
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	newConn(s, c).serve()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}

// admit refuses who may not call at all.
func (s *Server) admit(c export.Caller) error {
	if s.Allow.Admit(c) {
		return nil
	}
	return &wire.Refused{Code: wire.Denied, Text: fmt.Sprintf("doesn't serve you (%v): its --allow says %v", c, s.Allow)}
}

// isDraining says whether new calls are refused.
func (s *Server) isDraining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// enter counts a call as running, or says that the server drains.
func (s *Server) enter(c *call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	s.running[c] = struct{}{}
	s.calls.Add(1)
	return true
}

// exit is enter's other end.
func (s *Server) exit(c *call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, c)
	s.calls.Done()
}

// endAll brings the end of every running call about.
func (s *Server) endAll(how ending) {
	s.mu.Lock()
	calls := slices.Collect(maps.Keys(s.running))
	s.mu.Unlock()
	for _, c := range calls {
		s.Log.Warn("end a call: rpcd stops", "call", c.id, "procedure", printable(c.Procedure))
		c.end(how)
	}
}

// lastWords is how long, after the grace, calls have for their output and
// status.
const lastWords = 2 * time.Second

// Drain refuses new and waiting calls, gives running ones d to end by
// themselves, then ends them with the grace. It returns when no call is left.
// A receive from now ends them at once.
func (s *Server) Drain(d time.Duration, now <-chan os.Signal) {
	s.mu.Lock()
	s.draining = true
	s.mu.Unlock()
	s.places.close()

	over := make(chan struct{})
	go func() { s.calls.Wait(); close(over) }()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-over:
		return
	case <-timer.C:
		s.endAll(termed)
		timer.Reset(s.Grace + lastWords)
		select {
		case <-over:
			return
		case <-now:
		case <-timer.C: // their callers don't take the output
		}
	case <-now:
	}
	close(s.dead)
	s.endAll(killed)
	s.mu.Lock()
	for c := range s.conns {
		c.Close()
	}
	s.mu.Unlock()
	<-over
}
