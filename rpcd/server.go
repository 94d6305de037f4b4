package rpcd

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/export"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/wire"
)

// Server serves the calls of one worker.
//
// States: up (calls are accepted); draining (see Drain); refusing (new calls,
// too; with sockets of our own from the start of the drain on); dead (without
// grace). They follow each other in this order and never go back.
type Server struct {
	Config
	queue       *limit.Queue
	connections *limit.Connections // those that wait for a call
	lookups     *limit.Slots       // for calls
	lists       *limit.Slots       // for LIST and PS: no call waits behind those
	frames      *limit.Budget      // of the big first frames of calls that haven't started
	answers     *limit.Budget      // of the answers to LIST and PS that are made or sent
	peak        peak
	started     time.Time
	null        int // /dev/null, for streams that are closed
	lastID      atomic.Uint64

	dead    chan struct{} // closed: no grace any more
	changed chan struct{} // a call or connection has gone: has Drain anything left to wait for?
	loops   sync.WaitGroup

	mu        sync.Mutex
	listeners []*fdconn.Listener
	draining  bool
	refusing  bool // new calls are refused: draining, and not activated or out of time
	calls     map[*call]struct{}
	tails     int // ended calls of which something is left
	counters  counters
}

type counters struct{ calls, refused, lost, timedOut, signaled atomic.Uint64 }

// The memory, in bytes, of first frames over smallFrame from their arrival until
// their procedure's start; and of answers from before they are made until they
// are taken.
const (
	maxFrames  = 64 << 20
	maxAnswers = 64 << 20
)

// How many look-ups of files run at once: for calls, and for LIST and PS. Each
// holds a thread.
const (
	maxLookups = 8
	maxLists   = 2
)

// New makes a server.
func New(c Config) (*Server, error) {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", os.DevNull, err)
	}
	s := &Server{
		Config:  c,
		queue:   limit.NewQueue(c.MaxCalls, c.Queue),
		lookups: limit.NewSlots(maxLookups),
		lists:   limit.NewSlots(maxLists),
		frames:  limit.NewBudget(maxFrames),
		answers: limit.NewBudget(maxAnswers),
		started: time.Now(),
		null:    null,
		dead:    make(chan struct{}),
		changed: make(chan struct{}, 1),
		calls:   map[*call]struct{}{},
	}
	s.connections = limit.NewConnections(limit.ShareOfDescriptors(), s.poke)
	return s, nil
}

// acceptPause is how long a shortage (of descriptors, of memory) is given
// before the next accept(2).
const acceptPause = 50 * time.Millisecond

// Serve accepts connections until the listener is closed. In a shortage of
// descriptors idle connections make room; where there are none, who waits is
// told so by means of a descriptor that is kept for that.
func (s *Server) Serve(l *fdconn.Listener) error {
	if !s.listen(l) {
		return nil
	}
	defer s.loops.Done()
	spare := s.spare()
	defer func() { unix.Close(spare) }()
	short := false
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			short = false
			if c := s.begin(conn); c != nil {
				go c.serve()
			}
		case errors.Is(err, os.ErrClosed), errors.Is(err, unix.EBADF), errors.Is(err, unix.EINVAL):
			return nil
		case errors.Is(err, unix.ECONNABORTED), errors.Is(err, unix.EINTR):
		default:
			if !short {
				s.Log.Warn("cannot accept, making room", "error", err)
			}
			short = true
			if s.connections.MakeRoom() {
				continue
			}
			unix.Close(spare)
			turned := l.AcceptAndRefuse(refusalOf(limit.OutOfDescriptors).Append())
			spare = s.spare()
			if turned {
				s.counters.refused.Add(1)
			} else {
				time.Sleep(acceptPause)
			}
		}
	}
}

// spare gives a descriptor to be closed in a shortage; -1 if there is one.
func (s *Server) spare() int {
	fd, err := unix.FcntlInt(uintptr(s.null), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
}

// listen registers a listener, unless the server drains.
func (s *Server) listen(l *fdconn.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	s.listeners = append(s.listeners, l)
	s.loops.Add(1)
	return true
}

// begin makes a connection ours; nil: its caller can't be known, and it is
// closed.
func (s *Server) begin(fd *fdconn.Conn) *conn {
	c, err := newConn(s, fd)
	if err != nil {
		s.Log.Warn("drop a connection", "error", err)
		fd.Close()
		return nil
	}
	c.seat.Take()
	return c
}

// ServeConn serves one connection and closes it.
func (s *Server) ServeConn(fd *fdconn.Conn) {
	if c := s.begin(fd); c != nil {
		c.serve()
	}
}

// admit refuses who may not call at all.
func (s *Server) admit(c export.Caller) error {
	if s.Allow.Admit(c) {
		return nil
	}
	return &wire.Refused{Code: wire.Denied, Text: fmt.Sprintf("doesn't serve you (%v): its --allow says %v", c, s.Allow)}
}

// isDraining says whether the server is about to end.
func (s *Server) isDraining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// enter counts a call, and says whether it may go on: else it is refused as
// draining.
func (s *Server) enter(c *call) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[c] = struct{}{}
	return !s.refusing
}

// exit is enter's other end.
func (s *Server) exit(c *call) {
	s.mu.Lock()
	delete(s.calls, c)
	s.mu.Unlock()
	s.poke()
}

// tail has f end what is left of a call.
func (s *Server) tail(f func()) {
	s.mu.Lock()
	s.tails++
	s.mu.Unlock()
	go func() {
		f()
		s.mu.Lock()
		s.tails--
		s.mu.Unlock()
		s.poke()
	}()
}

func (s *Server) poke() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}
