package rpcd

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/export"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/refusal"
	"rpcd/rpcd/resident/pool"
	"rpcd/rpcd/run"
	"rpcd/rpcd/topic"
)

// Server serves the calls of one worker.
//
// States: up (calls are accepted), draining (see Drain), refusing (new calls are
// refused; with sockets of our own from the start of the drain on). They follow
// each other in this order and never go back.
type Server struct {
	host
	connections *limit.Connections
	lists       *limit.Slots  // for LIST and PS: no call waits behind those
	frames      *limit.Budget // of long first frames of calls that haven't started
	answers     *limit.Budget // of answers to LIST and PS that are made or sent
	burst       limit.Burst   // of connections
	residents   *pool.Pools
	topics      *topic.Hub
	began       time.Time

	changed chan struct{}  // a call or connection has gone: has Drain anything left to wait for?
	loops   sync.WaitGroup // Serve

	mu        sync.Mutex
	listeners []*fdconn.Listener
	draining  bool
	refusing  bool
	calls     map[*call]struct{} // taken, and not over yet
}

// How many callers' files are looked at side by side: few, since each look takes
// a thread, and fewer for lists, which nobody waits for as for a call.
const (
	lookupSlots = 8
	listSlots   = 2
)

// New makes a server.
func New(c Config) (*Server, error) {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", os.DevNull, err)
	}
	s := &Server{
		lists:   limit.NewSlots(listSlots),
		frames:  limit.NewBudget(maxFrames),
		answers: limit.NewBudget(maxAnswers),
		topics:  topic.NewHub(limit.ShareOfDescriptors()),
		began:   time.Now(),
		changed: make(chan struct{}, 1),
		calls:   map[*call]struct{}{},
	}
	s.Config = c
	s.queue = limit.NewQueue(c.MaxCalls, c.Queue)
	s.lookups = limit.NewSlots(lookupSlots)
	s.residents = pool.New(pool.Config{Worker: c.Name, Grace: c.Grace, Environ: os.Environ, Log: c.Log, Changed: s.poke})
	s.runners = run.NewRunners(c.Keep, s.residents, s.poke)
	s.null = null
	s.connections = limit.NewConnections(limit.ShareOfDescriptors(), s.poke)
	return s, nil
}

// Warm starts the resident workers. It may take as long as a look at the exports.
func (s *Server) Warm() { s.residents.Open(s.Source.Resident()) }

// acceptPause is how long a shortage (of descriptors, of memory) is given before
// the next accept(2).
const acceptPause = 50 * time.Millisecond

// Serve accepts connections until the listener is closed. In a shortage of
// descriptors it closes a connection that waits for a call. Where none waits, it
// refuses the new caller in words, with a descriptor that it keeps for that.
func (s *Server) Serve(l *fdconn.Listener) error {
	if !s.listen(l) {
		return nil
	}
	defer s.loops.Done()
	reserve := s.reserveDescriptor()
	defer func() { unix.Close(reserve) }()
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
			reserve = s.makeRoom(l, reserve)
		}
	}
}

// makeRoom frees a descriptor for the next accept(2): a waiting connection's, or
// else the reserve, which refuses a caller with it and is then made anew.
func (s *Server) makeRoom(l *fdconn.Listener, reserve int) int {
	if s.connections.MakeRoom() {
		return reserve
	}
	unix.Close(reserve)
	refused := l.AcceptAndRefuse(refusal.TurnedAway(limit.OutOfDescriptors).Append())
	reserve = s.reserveDescriptor()
	if refused {
		s.counters.Refused.Add(1)
	} else {
		time.Sleep(acceptPause)
	}
	return reserve
}

// reserveDescriptor takes a descriptor for makeRoom; -1: none is to be had.
func (s *Server) reserveDescriptor() int {
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

// begin makes a connection ours. nil: its caller can't be known, so it is closed.
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

// isDraining reports whether the server is about to end.
func (s *Server) isDraining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// enter counts a call. The error says that it must not start: the server drains.
func (s *Server) enter(c *call) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[c] = struct{}{}
	if s.refusing {
		return refusal.Draining
	}
	return nil
}

// exit is enter's other end.
func (s *Server) exit(c *call) {
	s.mu.Lock()
	delete(s.calls, c)
	s.mu.Unlock()
	s.poke()
}

// admit refuses callers that may not call at all.
func (s *Server) admit(c export.Caller) error {
	if s.Allow.Admit(c) {
		return nil
	}
	return refusal.Caller(c, s.Allow)
}

// poke has a drain look again whether anything is left.
func (s *Server) poke() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}
