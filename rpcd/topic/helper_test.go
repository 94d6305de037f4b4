package topic

import (
	"bufio"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/fdconn"
	shared "rpcd/rpcd/topic/ring"
	"rpcd/rpcd/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// descriptors is how many this process has.
func descriptors(t testing.TB) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(names)
}

// world is a hub, whose members are ends of sockets. When the test ends nothing may be
// left of it.
type world struct {
	t   testing.TB
	hub *Hub
	n   int
}

func newWorld(t testing.TB) *world {
	before := descriptors(t)
	w := &world{t: t, hub: NewHub(1000)}
	t.Cleanup(func() {
		w.hub.Close()
		if !testkit.Eventually(t, "all descriptors are closed, and no bytes are queued", func() bool {
			return descriptors(t) <= before && w.hub.queued.Load() == 0
		}) {
			t.Errorf("%d descriptors, %d before; %d bytes are queued", descriptors(t), before, w.hub.queued.Load())
		}
	})
	return w
}

// end is the far end of a publisher or subscriber.
type end struct {
	t    testing.TB
	c    *fdconn.Conn
	br   *bufio.Reader
	over chan error // what its service ended with
	came []wire.Notice
	id   string
}

// member starts a service for a new connection.
func (w *world) member(bridged bool, serve func(m Member, id string, br *bufio.Reader) ([]byte, error)) *end {
	w.t.Helper()
	near, far, err := fdconn.Pair()
	must(w.t, err)
	far.Receive(1)
	must(w.t, far.SetDeadline(time.Now().Add(testkit.Limit)))
	w.n++
	e := &end{t: w.t, c: far, br: bufio.NewReader(far), over: make(chan error, 1), id: string(rune('a' + w.n))}
	m := Member{
		Conn: near, TrySend: near.TrySend, UID: 7, HangUp: near.HangUp, File: near.TakeFirst, Bridged: bridged, Waits: func(string) {}, Begins: func() {},
		Refuse: func(err error) {
			near.SendAndHangUp((&wire.Refused{Code: wire.Protocol, Text: err.Error()}).Append())
		},
	}
	go func() {
		last, err := serve(m, e.id, bufio.NewReader(near))
		if err == nil && last != nil {
			err = near.WriteFrame(last)
		}
		near.TakeFiles().Close()
		near.Close()
		e.over <- err
	}()
	w.t.Cleanup(func() { far.Close(); far.TakeFiles().Close() })
	return e
}

func (w *world) publisher(p Policy, subscribers int) *end {
	w.t.Helper()
	return w.member(false, func(m Member, id string, br *bufio.Reader) ([]byte, error) {
		return w.hub.Publish(m, id, &wire.Topic{Name: "t", Subscribers: uint32(subscribers)}, p, br)
	})
}

// publish is publisher, after its answer.
func (w *world) publish(p Policy) *end {
	w.t.Helper()
	e := w.publisher(p, 0)
	e.want(wire.TypePublished)
	return e
}

func (w *world) subscribe(p Policy, bridged bool) *end {
	w.t.Helper()
	e := w.member(bridged, func(m Member, id string, br *bufio.Reader) ([]byte, error) {
		return nil, w.hub.Subscribe(m, id, "t", p, br)
	})
	e.want(wire.TypeSubscribed)
	return e
}

func (e *end) send(frames ...[]byte) {
	e.t.Helper()
	for _, f := range frames {
		must(e.t, e.c.WriteFrame(f))
	}
}

// frame reads a frame.
func (e *end) frame() (wire.Header, []byte) {
	e.t.Helper()
	h, err := wire.ReadHeader(e.br)
	must(e.t, err)
	payload, err := wire.ReadPayload(e.br, h)
	must(e.t, err)
	return h, payload
}

// want reads a frame of that type.
func (e *end) want(kind wire.Type) []byte {
	e.t.Helper()
	h, payload := e.frame()
	if h.Type != kind {
		e.t.Fatalf("a %v frame, want %v: %q", h.Type, kind, payload)
	}
	return payload
}

// gets reads records by value until there were n, as "NUMBER:RECORD".
func (e *end) gets(n int) (list []string) {
	e.t.Helper()
	for len(list) < n {
		r, err := wire.ParseRecords(e.want(wire.TypeRecords))
		must(e.t, err)
		for b, ok := r.Next(); ok; b, ok = r.Next() {
			list = append(list, text(r.First-1, b))
		}
	}
	return list
}

func text(number uint64, b []byte) string {
	if len(b) > 10 {
		b = b[:10]
	}
	return string(rune('0'+number)) + ":" + string(b)
}

func (e *end) wantRecords(want ...string) {
	e.t.Helper()
	if got := e.gets(len(want)); !slices.Equal(got, want) {
		e.t.Fatalf("records %q, want %q", got, want)
	}
}

// wantRefused reads until REFUSED, and checks that the service ends.
func (e *end) wantRefused() string {
	e.t.Helper()
	for {
		h, payload := e.frame()
		if h.Type == wire.TypeRefused {
			m, err := wire.ParseRefused(payload)
			must(e.t, err)
			_ = e.ends()
			return m.Text
		}
	}
}

// ends waits for the end of the service.
func (e *end) ends() (err error) {
	e.t.Helper()
	select {
	case err = <-e.over:
	case <-time.After(testkit.Limit):
		e.t.Fatal("the service doesn't end")
	}
	return err
}

// leave hangs up.
func (e *end) leave() error {
	e.t.Helper()
	e.c.HangUp()
	return e.ends()
}

func records(list ...string) []byte {
	var b wire.RecordBatch
	for _, r := range list {
		if !b.Add([]byte(r)) {
			panic("over-long")
		}
	}
	return slices.Clone(b.Frame())
}

func taken(n uint64) []byte       { return wire.AppendTaken(nil, n) }
func data(n int) []byte           { return wire.Frame(wire.TypeData, 0, 0, make([]byte, n)) }
func large(n uint64) []byte       { return wire.Large{Length: n}.Append(nil) }
func frameOf(t wire.Type) []byte  { return wire.Frame(t, 0, 0, nil) }
func notice(n wire.Notice) []byte { return wire.AppendNotices(nil, []wire.Notice{n}) }
func in(ring, slot uint32, n uint64) []byte {
	return notice(wire.Notice{Slot: wire.Slot{Ring: ring, Index: slot}, Length: n})
}

// end says END, and waits for the answer: all records are in the queues.
func (e *end) end() *wire.TopicEnd {
	e.t.Helper()
	e.send(frameOf(wire.TypeEnd))
	for {
		h, payload := e.frame()
		if h.Type == wire.TypeEnded {
			m, err := wire.ParseTopicEnd(payload)
			must(e.t, err)
			must(e.t, e.ends())
			return m
		}
	}
}

// ring makes a ring and sends it.
func (e *end) ring(number, slots uint32, size uint64) *shared.Ring {
	e.t.Helper()
	m := wire.Ring{Number: number, Slots: slots, Size: size}
	r, fd, err := shared.New(m)
	must(e.t, err)
	e.t.Cleanup(r.Close)
	e.sendRing(m, fd)
	unix.Close(fd)
	return r
}

func (e *end) sendRing(m wire.Ring, fds ...int) {
	e.t.Helper()
	must(e.t, e.c.WriteDescriptors((&wire.Topic{Name: "t", Ring: &m}).Append(wire.TypePublish), fds))
}

// getsRing reads SUBSCRIBED with a ring, and maps it.
func (e *end) getsRing() (*shared.Ring, *wire.TopicState) {
	e.t.Helper()
	m, err := wire.ParseTopicState(0, e.want(wire.TypeSubscribed))
	must(e.t, err)
	files := e.c.TakeFirst()
	defer files.Close()
	if m.Ring == nil || files.Len() != 1 {
		e.t.Fatalf("%+v with %d descriptors", m, files.Len())
	}
	r, err := shared.Open(files.At(0), *m.Ring)
	must(e.t, err)
	e.t.Cleanup(r.Close)
	if err := writable(files.At(0), int(m.Ring.Size)); err != nil {
		e.t.Error(err)
	}
	return r, m
}

// writable says how a subscriber could change a ring's memory; nil: by no way.
func writable(fd, size int) error {
	if b, err := unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != unix.EPERM {
		if err == nil {
			_ = unix.Munmap(b)
		}
		return errors.Join(errors.New("it can be mapped for writing"), err)
	}
	if _, err := unix.Pwrite(fd, []byte("x"), 0); err != unix.EPERM {
		return errors.Join(errors.New("it can be written"), err)
	}
	if err := unix.Ftruncate(fd, 1); err != unix.EPERM {
		return errors.Join(errors.New("it can be made shorter"), err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_WRITE); err != unix.EPERM {
		return errors.Join(errors.New("it can be sealed"), err)
	}
	b, err := unix.Mmap(fd, 0, size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Munmap(b) }()
	if err := unix.Mprotect(b, unix.PROT_READ|unix.PROT_WRITE); err != unix.EACCES && err != unix.EPERM {
		return errors.Join(errors.New("a map of it can be made writable"), err)
	}
	return nil
}

// getsNotice reads a notice.
func (e *end) getsNotice() wire.Notice {
	e.t.Helper()
	if len(e.came) == 0 {
		var err error
		e.came, err = wire.ParseNotices(e.want(wire.TypeNotices))
		must(e.t, err)
	}
	n := e.came[0]
	e.came = e.came[1:]
	return n
}

// getsFreed reads FREED.
func (e *end) getsFreed() []wire.Slot {
	e.t.Helper()
	list, err := wire.ParseFreed(e.want(wire.TypeFreed))
	must(e.t, err)
	return list
}
