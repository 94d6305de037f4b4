package topic

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
	"rpcd/rpcd/wire"
)

// A record in a ring reaches who is direct as a notice and who is bridged by value, and
// its slot is free when all are done with it. Nobody but its publisher can write it.
// fault: 182
func TestRing(t *testing.T) {
	w := newWorld(t)
	direct, bridged := w.subscribe(block(), false), w.subscribe(block(), true)
	p := w.publish(block())
	mine := p.ring(5, 4, 256<<10)
	copy(mine.Slot(2, 3), "abc")
	copy(mine.Slot(3, 200<<10), "large")
	p.send(in(5, 2, 3), in(5, 3, 200<<10))
	theirs, m := direct.getsRing()
	if m.Next != 1 || m.Ring.Number != 1 {
		t.Errorf("%+v, %+v", m, m.Ring)
	}
	for i, want := range []string{"abc", "large"} {
		n := direct.getsNotice()
		if b := theirs.Slot(n.Index, n.Length); n.Number != uint64(i+1) || n.Ring != 1 || !strings.HasPrefix(string(b), want) {
			t.Errorf("%+v: %q", n, b[:min(10, len(b))])
		}
	}
	bridged.wantRecords("1:abc")
	if l, err := wire.ParseLarge(bridged.want(wire.TypeLarge)); err != nil || l.Number != 2 || l.Length != 200<<10 {
		t.Errorf("%+v, %v", l, err)
	}
	if b := bridged.want(wire.TypeData); !strings.HasPrefix(string(b), "large") || len(b) != 200<<10 {
		t.Errorf("%d bytes", len(b))
	}
	direct.send(taken(1))
	if got := p.getsFreed(); len(got) != 1 || got[0] != (wire.Slot{Ring: 5, Index: 2}) {
		t.Errorf("%v are free", got)
	}
	p.send(in(5, 2, 1)) // again
	if n := direct.getsNotice(); n.Number != 3 {
		t.Errorf("%+v", n)
	}
	must(t, direct.leave()) // with two slots
	bridged.gets(1)         // it says no TAKEN, since it knows of no slots
	free := map[wire.Slot]bool{}
	for len(free) < 2 {
		for _, s := range p.getsFreed() {
			free[s] = true
		}
	}
	p.end()
}

// The last record of a ring is kept when its publisher has gone, and is there for who
// comes, direct or bridged.
func TestRetainInRing(t *testing.T) {
	w := newWorld(t)
	retain := Policy{Retain: true}
	p := w.publish(retain)
	copy(p.ring(1, 2, 64<<10).Slot(1, 4), "kept")
	p.send(in(1, 1, 4))
	p.end()
	for range 2 {
		direct, bridged := w.subscribe(retain, false), w.subscribe(retain, true)
		r, _ := direct.getsRing()
		if n := direct.getsNotice(); string(r.Slot(n.Index, n.Length)) != "kept" || n.Number != 1 {
			t.Errorf("%+v", n)
		}
		bridged.wantRecords("1:kept")
		must(t, direct.leave())
		must(t, bridged.leave())
	}
}

// A subscriber is told which rings go, with the next one or with the end.
func TestGoneRings(t *testing.T) {
	w := newWorld(t)
	s := w.subscribe(block(), false)
	holds := w.publish(block()) // so that no end is told
	for i := range uint64(3) {
		p := w.publish(block())
		p.ring(1, 1, 4096)
		p.send(in(1, 0, 1))
		p.end()
		_, m := s.getsRing()
		if i > 0 && fmt.Sprint(m.Gone) != fmt.Sprint([]uint64{i}) {
			t.Errorf("with ring %d go %v", i+1, m.Gone)
		}
		s.getsNotice()
	}
	holds.end()
	if m, err := wire.ParseTopicEnd(s.want(wire.TypeEnded)); err != nil || len(m.Gone) != 1 || m.Gone[0] != 3 {
		t.Errorf("%+v, %v", m, err)
	}
}

// A subscriber that never says TAKEN holds its slots, and no descriptors without end.
// fault: 182
func TestHoardedRings(t *testing.T) {
	w := newWorld(t)
	drop := Policy{Kind: DropOldest, Depth: 100}
	s := w.subscribe(drop, false)
	p := w.publish(drop)
	for i := range uint32(mostRings) {
		p.ring(i+1, 1, 4096)
		p.send(in(i+1, 0, 1))
		s.getsRing()
		s.getsNotice()
	}
	p.ring(99, 1, 4096)
	if text := p.wantRefused(); text != ErrTooMany.Error() {
		t.Errorf("refused: %s", text)
	}
	must(t, s.leave())
	testkit.Eventually(t, "the descriptors are given back", func() bool { return w.hub.quota.Take(7) })
	w.hub.quota.Give(7)
}

// A subscriber that says TAKEN for a record that is about to be sent takes no descriptor
// away: a number that is closed by then may be another file's.
// fault: 182
func TestTakenAhead(t *testing.T) {
	w := newWorld(t)
	s, p := w.subscribe(block(), false), w.publish(block())
	p.send(large(1<<20), data(256<<10), data(256<<10), data(256<<10), data(256<<10)) // nobody reads that yet
	testkit.Eventually(t, "it is on its way", func() bool { sent, _ := w.subscriber(); return sent == 1 })
	p.ring(1, 1, 4096)
	long := strings.Repeat("x", 120<<10)
	p.send(records(long, long), in(1, 0, 1))
	testkit.Eventually(t, "all have come", func() bool { return w.hub.State("t", block()).Came == 4 })
	s.want(wire.TypeLarge)
	for range 4 {
		s.want(wire.TypeData)
	}
	testkit.Eventually(t, "all are on their way", func() bool { sent, _ := w.subscriber(); return sent == 4 })
	s.send(taken(4))
	testkit.Eventually(t, "they are taken", func() bool { _, taken := w.subscriber(); return taken == 4 })
	p.end()
	s.gets(2)
	s.getsRing()
}

// subscriber says how many records are on their way to the only subscriber, and how many
// it has taken.
func (w *world) subscriber() (sent, taken uint64) {
	w.hub.mu.Lock()
	topic := w.hub.topics["t"]
	w.hub.mu.Unlock()
	topic.mu.Lock()
	defer topic.mu.Unlock()
	for s := range topic.subscribers {
		sent, taken = s.sent, s.taken
	}
	return sent, taken
}

// memory is a memfd of so many bytes with these seals.
func memory(t testing.TB, size int64, seals int) int {
	t.Helper()
	fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	must(t, err)
	must(t, unix.Ftruncate(fd, size))
	if seals != 0 {
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
		must(t, err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// A publisher that sends nonsense, or what is untrue, is refused in one line. The topic
// goes on, and nothing of it reaches a subscriber.
// fault: 181 183
func TestBadPublishers(t *testing.T) {
	const all = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL | 0x10
	one := wire.Ring{Number: 1, Slots: 1, Size: 4096}
	with := func(m wire.Ring, size int64, seals int) func(*end) {
		return func(p *end) { p.sendRing(m, memory(p.t, size, seals)) }
	}
	frames := func(list ...[]byte) func(*end) { return func(p *end) { p.send(list...) } }
	for _, c := range []struct {
		what string
		do   func(p *end)
		want string // of the refusal
	}{
		{"no seals", with(one, 4096, 0), "its seals are 0x0 (it needs"},
		{"it can shrink", with(one, 4096, all&^unix.F_SEAL_SHRINK), "its seals are"},
		{"it can grow", with(one, 4096, all&^unix.F_SEAL_GROW), "its seals are"},
		{"it can be sealed", with(one, 4096, all&^unix.F_SEAL_SEAL), "its seals are"},
		{"others can write it", with(one, 4096, all&^0x10), "its seals are"},
		{"it is too small", with(wire.Ring{Number: 1, Slots: 2, Size: 4096}, 8191, all), "has 8191 bytes, and says 2 slots of 4096"},
		{"it is huge", with(wire.Ring{Number: 1, Slots: 1024, Size: 1 << 30}, 4096, all), "has 4096 bytes"},
		{"no memory", func(p *end) {
			fd, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
			must(t, err)
			defer unix.Close(fd)
			p.sendRing(one, fd)
		}, "no memory that can be sealed"},
		{"no descriptor", func(p *end) { p.sendRing(one) }, "without a ring"},
		{"odd slots", with(wire.Ring{Number: 1, Slots: 1, Size: 4097}, 8192, all), "a ring of 1 slots with 4097 bytes"},
		{"another topic", func(p *end) {
			p.send((&wire.Topic{Name: "u", Ring: &one}).Append(wire.TypePublish))
		}, "without a ring"},
		{"a second ring of a number", func(p *end) { p.ring(1, 1, 4096); p.ring(1, 1, 4096) }, "a second ring of number 1"},
		{"no such ring", frames(in(3, 0, 1)), errSlot.Error()},
		{"no such slot", func(p *end) { p.ring(1, 2, 4096); p.send(in(1, 2, 1)) }, errSlot.Error()},
		{"over a slot's end", func(p *end) { p.ring(1, 2, 4096); p.send(in(1, 1, 4097)) }, errSlot.Error()},
		{"huge length", func(p *end) { p.ring(1, 2, 4096); p.send(in(1, 1, 1<<63)) }, errSlot.Error()},
		{"a ring that has gone", func(p *end) {
			for i := range uint32(5) {
				p.ring(i+1, 1, 4096)
			}
			p.send(in(1, 0, 1))
		}, errSlot.Error()},
		{"half a notice", frames(wire.Frame(wire.TypeNotices, 0, 0, make([]byte, 23))), "a NOTICES frame of 23 bytes"},
		{"TAKEN", frames(taken(0)), "a TAKEN frame from a publisher"},
		{"FREED", frames(wire.AppendFreed(nil, []wire.Slot{{}})), "a FREED frame from a publisher"},
		{"DATA out of the blue", frames(data(1)), "a DATA frame from a publisher"},
		{"a first frame", frames(wire.Question(wire.TypePing)), "a PING frame from a publisher"},
		{"no records", frames(wire.Frame(wire.TypeRecords, 0, 0, make([]byte, 8))), "a RECORDS frame of 8 bytes"},
		{"half a record", frames(wire.Frame(wire.TypeRecords, 0, 0, []byte("12345678\x00\x00\x00\x02a"))), "goes over its frame's end"},
		{"large, and isn't", frames(large(128 << 10)), "a record of 131072 bytes by LARGE"},
		{"too large", frames(large(64<<20 + 1)), "a record of 67108865 bytes"},
		{"records inside of one", frames(large(200<<10), data(100), records("a")), "a RECORDS frame from a publisher in the middle"},
		{"END inside of one", frames(large(200<<10), frameOf(wire.TypeEnd)), "a END frame from a publisher in the middle"},
		{"more than was said", frames(large(200<<10), data(200<<10+1)), "of a record that lacks 204800"},
		{"no bytes of it", frames(large(200<<10), data(0)), "DATA of 0 bytes"},
		{"no frame", frames([]byte("GET / HT")), "unknown frame type 71"},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := newWorld(t)
			s := w.subscribe(block(), false)
			p := w.publish(block())
			c.do(p)
			if text := p.wantRefused(); !strings.Contains(text, c.want) || strings.Contains(text, "\n") || len(text) > 160 {
				t.Errorf("refused: %s", text)
			}
			s.want(wire.TypeEnded)
			good := w.publish(block())
			good.send(records("a"))
			s.wantRecords("1:a")
		})
	}
}

// A slot isn't free until its publisher was told so, though nobody holds it: else the
// list of what is to be told would have no end.
// fault: 181
func TestSlotBeforeFreed(t *testing.T) {
	w := newWorld(t)
	s := w.subscribe(block(), false)
	p := w.publish(block())
	p.ring(1, 2, 4096)
	p.send(in(1, 0, 1))
	s.getsRing()
	p.send(in(1, 0, 1)) // s holds it
	if text := p.wantRefused(); text != errSlot.Error() {
		t.Errorf("refused: %s", text)
	}
	must(t, s.leave())

	p = w.publish(block())
	p.ring(1, 2, 4096)
	list := make([]wire.Notice, 1000) // nobody holds it, and nobody was told
	for i := range list {
		list[i] = wire.Notice{Slot: wire.Slot{Ring: 1, Index: 1}, Length: 1}
	}
	p.send(wire.AppendNotices(nil, list))
	if text := p.wantRefused(); text != errSlot.Error() {
		t.Errorf("refused: %s", text)
	}
}

// A publisher that ends in the middle of a record has not sent it.
// fault: 179
func TestCutRecords(t *testing.T) {
	for _, cut := range []struct {
		what string
		b    []byte
	}{
		{"in RECORDS", records("abc", "def")[:20]},
		{"in a header", records("abc")[:5]},
		{"behind LARGE", large(200 << 10)},
		{"in DATA", append(large(200<<10), data(1000)[:500]...)},
		{"between DATA", append(large(200<<10), data(1000)...)},
		{"in NOTICES", in(1, 0, 1)[:20]},
	} {
		t.Run(cut.what, func(t *testing.T) {
			w := newWorld(t)
			s := w.subscribe(Policy{Retain: true}, false)
			p := w.publish(Policy{Retain: true})
			p.ring(1, 1, 4096)
			p.send(records("whole"), cut.b)
			if err := p.leave(); err == nil {
				t.Error("no error")
			}
			s.wantRecords("1:whole")
			s.want(wire.TypeEnded)
			w.subscribe(Policy{Retain: true}, false).wantRecords("1:whole")
		})
	}
}

// A subscriber that sends nonsense is refused, and no other.
// fault: 182 183
func TestBadSubscribers(t *testing.T) {
	for _, c := range []struct {
		what  string
		frame []byte
		want  string
	}{
		{"more than it got", taken(2), errTaken.Error()},
		{"far more", taken(1<<64 - 1), errTaken.Error()},
		{"fewer than before", append(taken(1), taken(0)...), errTaken.Error()},
		{"half a number", wire.Frame(wire.TypeTaken, 0, 0, make([]byte, 7)), "a TAKEN frame of 7 bytes"},
		{"records", records("a"), "a RECORDS frame from a subscriber"},
		{"END", frameOf(wire.TypeEnd), "a END frame from a subscriber"},
		{"no frame", []byte("\xff\xff\xff\xff\xff\xff\xff\xff"), "unknown frame type 255"},
	} {
		t.Run(c.what, func(t *testing.T) {
			w := newWorld(t)
			bad, good := w.subscribe(block(), false), w.subscribe(block(), false)
			p := w.publish(block())
			p.send(records("a"))
			bad.wantRecords("1:a")
			bad.send(c.frame)
			if text := bad.wantRefused(); !strings.Contains(text, c.want) {
				t.Errorf("refused: %s", text)
			}
			p.send(records("b"))
			good.wantRecords("1:a", "2:b")
		})
	}
}

// The worker takes up a bounded number of large records at once, and one user's for half
// of that.
// fault: 184
func TestLargeRecordsWait(t *testing.T) {
	w := newWorld(t)
	begun := large(wire.MaxLarge)
	var first *end
	for range largeBytes / wire.MaxLarge / 2 {
		first = w.publish(block())
		first.send(begun, data(1))
	}
	testkit.Eventually(t, "a user's half is given out", func() bool { return !w.canTake(wire.MaxLarge) })
	waits := w.publish(block())
	waits.send(begun, data(1))
	if err := first.leave(); err == nil {
		t.Error("no error")
	}
	if err := waits.leave(); err == nil { // it has had its turn
		t.Error("no error")
	}
	testkit.Eventually(t, "the memory is given back", func() bool { return w.canTake(wire.MaxLarge) })
}

// canTake says whether a large record of that user could be read now.
func (w *world) canTake(n int64) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	loan, err := w.hub.large.Take(ctx, 7, n)
	loan.Give()
	return err == nil
}
