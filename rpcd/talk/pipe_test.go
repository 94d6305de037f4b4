package talk

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"rpcd/rpcd/wire"
)

// pipe is a Socket in memory, with synctest's clock: a write waits for its
// reader.
type pipe struct {
	net.Conn
	write sync.Mutex
	idle  atomic.Int64
	rode  atomic.Int64 // descriptors that rode on what was written
}

func (p *pipe) Read(b []byte) (int, error) {
	if d := p.idle.Load(); d > 0 {
		_ = p.SetReadDeadline(time.Now().Add(time.Duration(d)))
	}
	return p.Conn.Read(b)
}

func (p *pipe) WriteFrame(b []byte) error {
	p.write.Lock()
	defer p.write.Unlock()
	_, err := p.Write(b)
	return err
}

func (p *pipe) WriteIfRead(b []byte) {
	go func() { // the lock is free in a moment
		p.write.Lock()
		defer p.write.Unlock()
		_ = p.SetWriteDeadline(time.Now().Add(time.Nanosecond)) // enough for a reader that waits
		_, _ = p.Write(b)
		_ = p.SetWriteDeadline(time.Time{})
	}()
}

func (p *pipe) WriteDescriptors(b []byte, fds []int) error {
	p.rode.Add(int64(len(fds)))
	return p.WriteFrame(b)
}

func (p *pipe) SetIdle(d time.Duration) {
	p.idle.Store(int64(d))
	var t time.Time
	if d > 0 {
		t = time.Now().Add(d)
	}
	_ = p.SetReadDeadline(t)
}

// pair gives both ends of a connection: the caller's and the worker's.
func pair(t *testing.T) (caller, worker *Conn) {
	a, b := net.Pipe()
	caller, worker = NewConn(&pipe{Conn: a}), NewConn(&pipe{Conn: b})
	t.Cleanup(func() { caller.Close(); worker.Close() })
	return caller, worker
}

// receive reads the call that is on its way.
func receive(t *testing.T, worker *Conn) *Callee {
	t.Helper()
	typ, payload, err := readFrame(worker)
	if err != nil || typ != wire.TypeCall {
		t.Fatalf("a %v frame, %v; want CALL", typ, err)
	}
	m, err := wire.ParseCall(0, payload)
	if err != nil {
		t.Fatal(err)
	}
	return NewCallee(worker, m)
}

// hear gives the caller's frames to a callee until the connection ends, and
// collects the events.
func hear(worker *Conn, c *Callee) <-chan Event {
	events := make(chan Event, 100)
	go func() {
		defer close(events)
		for {
			h, err := wire.ReadHeader(worker)
			if err != nil {
				return
			}
			e, err := c.Handle(h, worker)
			if err != nil {
				return
			}
			if e.Kind != Nothing {
				events <- e
			}
		}
	}()
	return events
}

var plainCall = wire.Call{Procedure: "true", Dir: wire.Dir{Name: "/"}}

// begin sends m to a callee.
func begin(t *testing.T, m wire.Call) (caller *Caller, callee *Callee, worker *Conn) {
	t.Helper()
	a, b := pair(t)
	caller = NewCaller(a, &m)
	sent := make(chan error, 1)
	go func() { sent <- caller.Send(nil) }()
	callee = receive(t, b)
	callee.Flags = m.Flags
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	return caller, callee, b
}

// want takes the caller's next answer.
func want(t *testing.T, c *Caller, typ wire.Type) *wire.Started {
	t.Helper()
	got, m, err := c.Answer()
	if err != nil || got != typ {
		t.Fatalf("%v, %v; want %v", got, err, typ)
	}
	return m
}

// runs starts and ends the call, and gives the caller's EXIT.
func runs(t *testing.T, caller *Caller, callee *Callee) *wire.Exit {
	t.Helper()
	go func() {
		callee.Start(wire.Started{})
		_ = callee.Exit(&wire.Exit{Consumed: -1})
	}()
	want(t, caller, wire.TypeStarted)
	exit, err := caller.Follow()
	if err != nil {
		t.Fatal(err)
	}
	return exit
}

// readFrame reads a whole frame.
func readFrame(r io.Reader) (wire.Type, []byte, error) {
	h, err := wire.ReadHeader(r)
	if err != nil {
		return 0, nil, err
	}
	payload, err := wire.ReadPayload(r, h)
	return h.Type, payload, err
}
