package topic

import (
	"slices"
	"strings"
	"testing"

	"rpcd/internal/testkit"
	"rpcd/rpcd/wire"
)

func block() Policy { return Policy{} }

// A subscriber that takes nothing gets what its policy says, and ENDED tells how many
// there were.
// fault: 177
func TestPolicies(t *testing.T) {
	for _, c := range []struct {
		policy Policy
		behind []string // of records 4 to 9, when 1 to 3 are on their way
	}{
		{Policy{Kind: Block}, []string{"4:d", "5:e", "6:f", "7:g", "8:h", "9:i"}},
		{Policy{Kind: DropOldest, Depth: 3}, []string{"7:g", "8:h", "9:i"}},
		{Policy{Kind: DropNewest, Depth: 3}, []string{"4:d", "5:e", "6:f"}},
	} {
		t.Run(c.policy.String(), func(t *testing.T) {
			w := newWorld(t)
			slow, quick := w.subscribe(c.policy, false), w.subscribe(c.policy, false)
			p := w.publish(c.policy)
			p.send(records("a", "b", "c"))
			slow.wantRecords("1:a", "2:b", "3:c")
			quick.wantRecords("1:a", "2:b", "3:c")
			quick.send(taken(3))
			p.send(records("d", "e"), records("f", "g"), records("h"), records("i"))
			m := p.end()
			if m.Came != 9 || m.Next != 10 || m.Subscribers != 2 {
				t.Errorf("%+v", m)
			}
			slow.send(taken(3))
			slow.wantRecords(c.behind...)
			slow.send(taken(3 + uint64(len(c.behind))))
			if m, err := wire.ParseTopicEnd(slow.want(wire.TypeEnded)); err != nil || m.Next != 10 {
				t.Errorf("%+v, %v", m, err)
			}
			if s := w.hub.State("t", c.policy); s.Came != 9 || s.Dropped < uint64(6-len(c.behind)) || s.Subscribers != 2 || s.Publishers != 0 {
				t.Errorf("%+v", s)
			}
			must(t, slow.leave())
			must(t, quick.leave())
		})
	}
}

// A subscriber that doesn't read makes publishers of a topic that blocks wait, is named,
// and costs nobody a record.
// fault: 177
func TestBlock(t *testing.T) {
	w := newWorld(t)
	slow, quick := w.subscribe(block(), false), w.subscribe(block(), false)
	p := w.publish(block())
	const frames = 80
	sent := make(chan error, 1)
	go func() {
		for range frames {
			if err := p.c.WriteFrame(records(strings.Repeat("x", 100<<10))); err != nil {
				sent <- err
				return
			}
		}
		sent <- p.c.WriteFrame(frameOf(wire.TypeEnd))
	}()
	got := make(chan int, 1)
	go func() { got <- len(quick.gets(frames)) }()
	testkit.Eventually(t, "the slow one is named", func() bool {
		return slices.Equal(w.hub.State("t", block()).Stalled, []string{slow.id})
	})
	if came := w.hub.State("t", block()).Came; came >= frames {
		t.Errorf("%d records came: nobody waited", came)
	}
	if n := len(slow.gets(frames)); n != frames || <-got != frames {
		t.Errorf("%d records", n)
	}
	must(t, <-sent)
	p.want(wire.TypeEnded)
	slow.want(wire.TypeEnded)
	if s := w.hub.State("t", block()); s.Stalled != nil || s.Dropped != 0 {
		t.Errorf("%+v", s)
	}
}

// A stalled subscriber that goes lets publishers go on.
// fault: 180
func TestStalledOneLeaves(t *testing.T) {
	w := newWorld(t)
	slow := w.subscribe(block(), false)
	p := w.publish(block())
	sent := make(chan error, 1)
	go func() {
		for range 80 {
			if err := p.c.WriteFrame(records(strings.Repeat("x", 100<<10))); err != nil {
				sent <- err
				return
			}
		}
		sent <- p.c.WriteFrame(frameOf(wire.TypeEnd))
	}()
	testkit.Eventually(t, "it stalls", func() bool { return w.hub.State("t", block()).Stalled != nil })
	must(t, slow.leave())
	must(t, <-sent)
	p.want(wire.TypeEnded)
}

// The last record is kept for who comes, by its own memory alone, and until the policy
// doesn't say so any more.
func TestRetain(t *testing.T) {
	w := newWorld(t)
	retain := Policy{Kind: DropOldest, Depth: 1, Retain: true}
	p := w.publish(retain)
	p.send(records(strings.Repeat("x", 100<<10), "b"))
	p.end()
	if size := w.hub.topics["t"].last.records.Size(); size != 5 {
		t.Errorf("a record of a byte takes %d", size)
	}
	late := w.subscribe(retain, false)
	late.wantRecords("2:b")
	p = w.publish(retain)
	p.send(large(200<<10), data(100<<10), data(100<<10))
	p.end()
	late.send(taken(1))
	late.want(wire.TypeLarge)
	later := w.subscribe(retain, false)
	if m, err := wire.ParseLarge(later.want(wire.TypeLarge)); err != nil || m.Number != 3 {
		t.Errorf("%+v, %v", m, err)
	}
	w.subscribe(block(), false)
	w.subscribe(retain, false)
	topic := w.hub.topics["t"]
	topic.mu.Lock()
	defer topic.mu.Unlock()
	if topic.last != nil {
		t.Error("the last record is still there")
	}
}

// A subscriber keeps the policy that it came under.
func TestPolicyChanges(t *testing.T) {
	w := newWorld(t)
	blocks := w.subscribe(block(), false)
	drop := Policy{Kind: DropNewest, Depth: 1}
	drops := w.subscribe(drop, false)
	p := w.publish(drop)
	p.send(records("a"))
	drops.wantRecords("1:a")
	p.send(records("b", "c", "d"))
	p.end()
	blocks.wantRecords("1:a", "2:b", "3:c", "4:d")
	drops.send(taken(1))
	drops.wantRecords("2:b")
}

// Few records of many long frames don't keep the frames.
func TestDroppedFramesAreFreed(t *testing.T) {
	h := NewHub(10)
	q := &queue{hub: h, policy: Policy{Kind: DropNewest, Depth: 10}}
	frame := records(slices.Repeat([]string{strings.Repeat("x", 1000)}, 100)...)[wire.HeaderLen:]
	for range 5 {
		r, err := wire.ParseRecords(frame)
		must(t, err)
		q.put(item{records: r})
		q.load(nil)
		must(t, q.take(q.sent))
		q.put(item{records: r})
	}
	for _, i := range q.items {
		if n := cap(i.records.Bytes()); n > 2*i.size() {
			t.Errorf("%d bytes keep %d", i.size(), n)
		}
	}
	// What is larger than all queues may be is dropped where that can be.
	h.queued.Store(allBytes + 1)
	q = &queue{hub: h, policy: Policy{Kind: DropOldest, Depth: 10}}
	q.put(item{large: make([]byte, tightBytes+1)})
	q.put(item{large: make([]byte, tightBytes/2)})
	if q.waiting != 1 || q.dropped != 1 {
		t.Errorf("%d wait, %d are dropped", q.waiting, q.dropped)
	}
}

// A publisher waits for its subscribers. What it sends meanwhile is taken.
func TestWaitForSubscribers(t *testing.T) {
	w := newWorld(t)
	p := w.publisher(block(), 2)
	testkit.Eventually(t, "it is there", func() bool { return w.hub.State("t", block()).Publishers == 1 })
	first := w.subscribe(block(), false)
	leaves := w.subscribe(Policy{}, false)
	p.want(wire.TypePublished)
	must(t, leaves.leave())
	p.send(records("a"))
	first.wantRecords("1:a")
	waits := w.publisher(block(), 9)
	testkit.Eventually(t, "it is there", func() bool { return w.hub.State("t", block()).Publishers == 2 })
	if err := waits.leave(); err == nil {
		t.Error("a publisher that leaves before its END has no error")
	}
	testkit.Eventually(t, "it has left", func() bool { return w.hub.State("t", block()).Publishers == 1 })
}

// When the hub closes all are told, those that wait too.
// fault: 185
func TestClose(t *testing.T) {
	w := newWorld(t)
	s, p, waits := w.subscribe(block(), false), w.publish(block()), w.publisher(block(), 9)
	testkit.Eventually(t, "they are there", func() bool { return w.hub.State("t", block()).Publishers == 2 })
	w.hub.Close()
	for _, e := range []*end{s, p, waits} {
		if text := e.wantRefused(); text != ErrClosed.Error() {
			t.Errorf("refused: %s", text)
		}
	}
	late := w.publisher(block(), 0)
	if err := late.ends(); err != ErrClosed {
		t.Errorf("%v", err)
	}
}

// One user has half of all descriptors.
// fault: 184
func TestQuotaOfMembers(t *testing.T) {
	w := newWorld(t)
	w.hub = NewHub(4)
	a, b := w.subscribe(block(), false), w.subscribe(block(), false)
	if err := w.publisher(block(), 0).ends(); err != ErrTooMany {
		t.Errorf("a third: %v", err)
	}
	must(t, a.leave())
	p := w.publish(block())
	p.ring(1, 1, 4096) // there is room for none
	if text := p.wantRefused(); text != ErrTooMany.Error() {
		t.Errorf("refused: %s", text)
	}
	must(t, b.leave())
	w.publish(block()).ring(1, 1, 4096)
}
