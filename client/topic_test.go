package client

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"hash/crc32"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rpcd/internal/proc"
	"rpcd/internal/rig"
	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

var (
	smallRecords = flag.Int("topic.small", 200_000, "so many small records")
	largeRecords = flag.Int("topic.large", 2_000, "so many large records")
	topicReads   = flag.Int("topic.reads", 2_000, "so many reads of the last record")
)

// topics serves a worker w with a topic for each policy, and gives its process.
func (w *world) topics() *rig.Process {
	w.t.Helper()
	return w.serve("w", "--exports", exportTopics(w.t, w.dir))
}

// exportTopics makes an exports directory of them.
func exportTopics(t testing.TB, dir string) string {
	t.Helper()
	for name, policy := range map[string]string{
		"block": "block", "oldest": "drop-oldest 5", "newest": "drop-newest 5", "kept": "drop-oldest 1\nretain",
	} {
		must(t, os.MkdirAll(dir+"/exports/"+name, 0o755))
		must(t, os.WriteFile(dir+"/exports/"+name+"/topic", []byte(policy), 0o644))
	}
	return dir + "/exports"
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func publisher(t testing.TB, worker, topic string, o TopicOptions) *Publisher {
	t.Helper()
	p, err := Publish(t.Context(), worker, topic, o)
	must(t, err)
	t.Cleanup(func() { p.conn.Abort(); _ = p.Close() })
	return p
}

func subscription(t testing.TB, worker, topic string, o TopicOptions) *Subscription {
	t.Helper()
	s, err := Subscribe(t.Context(), worker, topic, o)
	must(t, err)
	t.Cleanup(s.Close)
	return s
}

// record is a record of so many bytes, at least 16, that says its number and its
// checksum.
func record(n uint64, size int) []byte {
	b := bytes.Repeat([]byte{byte(n)}, size)
	return stamp(b, n)
}

func stamp(b []byte, n uint64) []byte {
	binary.BigEndian.PutUint64(b, n)
	binary.BigEndian.PutUint32(b[8:], crc32.ChecksumIEEE(b[12:]))
	return b
}

// number gives a record's number, if it is whole.
func number(b []byte) (uint64, error) {
	if len(b) < 16 || binary.BigEndian.Uint32(b[8:]) != crc32.ChecksumIEEE(b[12:]) {
		return 0, fmt.Errorf("a torn record of %d bytes", len(b))
	}
	return binary.BigEndian.Uint64(b), nil
}

// sizes are those of records by RECORDS, LARGE and rings.
var sizes = []int{16, 5000, 70 << 10, 200 << 10, 921600}

// All policies, by value and in shared memory, direct and bridged: a subscriber that is
// slow gets and misses what was sent, in order, and each record whole.
// fault: 177
func TestSlowSubscriber(t *testing.T) {
	w := newWorld(t)
	w.topics()
	w.bridge("far", "w")
	for _, topic := range []string{"block", "oldest", "newest"} {
		for _, size := range sizes {
			for _, from := range []string{"w", "far"} {
				t.Run(fmt.Sprintf("%s/%d/%s", topic, size, from), func(t *testing.T) {
					slow, quick := subscription(t, from, topic, TopicOptions{}), subscription(t, "w", topic, TopicOptions{})
					p := publisher(t, "w", topic, TopicOptions{})
					const sent = 60
					var group sync.WaitGroup
					group.Go(func() { // ten times too slow: a record for each ten of the quick one's
						for i := range sent {
							if err := p.Send(record(uint64(i), size)); err != nil {
								t.Error(err)
							}
							if topic != "block" && i%10 == 0 {
								_ = p.Flush()
							}
						}
						if err := p.Close(); err != nil {
							t.Error(err)
						}
					})
					group.Go(func() { drainTopic(t, quick, sent, topic == "block") })
					if topic != "block" {
						group.Wait() // it reads only now
					}
					drainTopic(t, slow, sent, topic == "block")
					group.Wait()
				})
			}
		}
	}
}

// drainTopic reads until the publisher's end, and checks that numbers go up and what was
// got and missed.
func drainTopic(t *testing.T, s *Subscription, sent uint64, whole bool) {
	t.Helper()
	last := int64(-1)
	for {
		b, err := s.Next()
		if err == ErrEnded {
			break
		}
		if err != nil {
			t.Error(err)
			return
		}
		n, err := number(b)
		if err != nil || int64(n) <= last {
			t.Errorf("record %d behind %d, %v", n, last, err)
			return
		}
		last = int64(n)
	}
	if s.Got()+s.Missed() != sent || whole && s.Missed() > 0 || s.Got() == 0 {
		t.Errorf("%d got, %d missed of %d", s.Got(), s.Missed(), sent)
	}
}

// A stalled subscriber of a topic that drops, which holds all shared memory, stops no
// publisher.
// fault: 180
func TestStalledSubscribersHoldAllSlots(t *testing.T) {
	w := newWorld(t)
	w.topics()
	p := publisher(t, "w", "oldest", TopicOptions{})
	var n uint64
	for range mostSlots/5 + 2 {
		stalled := subscription(t, "w", "oldest", TopicOptions{})
		for range 6 {
			must(t, p.Send(record(n, 70<<10)))
			n++
		}
		if _, err := stalled.Next(); err != nil { // the others are on their way
			t.Fatal(err)
		}
	}
	testkit.Eventually(t, "the worker has taken all", func() bool { return use(t, "oldest").Records == n })
	quick := subscription(t, "w", "oldest", TopicOptions{})
	go func() {
		for range 20 {
			_ = p.Send(record(n, 70<<10))
			n++
		}
		_ = p.Close()
	}()
	drainTopic(t, quick, 20, false)
}

// Two publishers at once: all records of both come, whole, and each's in its order.
func TestTwoPublishers(t *testing.T) {
	w := newWorld(t)
	w.topics()
	s := subscription(t, "w", "block", TopicOptions{})
	const each = 400
	var group sync.WaitGroup
	for k := range 2 {
		p := publisher(t, "w", "block", TopicOptions{ByValue: k == 1})
		group.Go(func() {
			for i := range each {
				if err := p.Send(record(uint64(k*each+i), sizes[i%4])); err != nil {
					t.Error(err)
				}
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	next := [2]uint64{0, each}
	for s.Got() < 2*each {
		b, err := s.Next()
		if err == ErrEnded { // one may end before the other has begun
			continue
		}
		must(t, err)
		n, err := number(b)
		must(t, err)
		if next[n/each] != n {
			t.Fatalf("record %d, want %d", n, next[n/each])
		}
		next[n/each]++
	}
	group.Wait()
}

// Whoever is killed, and whoever came first: the others go on, or fail with one line.
// fault: 178
func TestKilledMembers(t *testing.T) {
	for _, first := range []string{"subscriber", "publisher"} {
		for _, from := range []string{"w", "far"} {
			for _, topic := range []string{"block", "kept"} {
				for _, victim := range []string{"subscriber", "publisher", "worker", "bridge"} {
					if victim == "bridge" && from == "w" {
						continue
					}
					t.Run(strings.Join([]string{first, from, topic, victim}, "/"), func(t *testing.T) {
						testkit.Within(t, "the test", func() { killedMember(t, first, from, topic, victim) })
					})
				}
			}
		}
	}
}

func killedMember(t *testing.T, first, from, topic, victim string) {
	w := newWorld(t)
	worker := w.topics()
	var bridge *rig.Bridge
	if from == "far" {
		bridge = w.bridge("far", "w")
	}
	rpc := func(words ...string) *rig.Process {
		s := w.starter()
		s.Env = append(testbin.Environment(), "RPC_DIR="+w.dir)
		p, err := s.Start(append([]string{"sh", "-c", `rpc=$1; shift; case $1 in pub) yes record | "$rpc" "$@";; *) exec "$rpc" "$@" >/dev/null;; esac`, "sh", testbin.Dir(t) + "/rpc"}, words...)...)
		must(t, err)
		t.Cleanup(p.Stop)
		return p
	}
	used := func(what string, ok func(TopicUse) bool) {
		testkit.Eventually(t, what, func() bool {
			infos, err := List(t.Context(), "w", testkit.Limit)
			if err != nil {
				return false
			}
			for _, e := range infos[0].Procedures {
				if e.Name == topic {
					return ok(e.Topic)
				}
			}
			return false
		})
	}
	var sub, pub *rig.Process
	for _, who := range []string{first, "subscriber", "publisher"} {
		switch {
		case who == "subscriber" && sub == nil:
			sub = rpc("sub", "--heartbeat", "1", from, topic)
			used("it subscribes", func(u TopicUse) bool { return u.Subscribers == 1 })
		case who == "publisher" && pub == nil:
			pub = rpc("pub", "--heartbeat", "1", from, topic)
			used("it publishes", func(u TopicUse) bool { return u.Publishers == 1 })
		}
	}
	var came uint64
	used("records come", func(u TopicUse) bool { came = u.Records; return came > 1000 })
	lost := func(p *rig.Process) {
		t.Helper()
		<-p.Done()
		if err := p.Wait(); err == nil || !strings.Contains(p.Log(), "rpc: ") || strings.Count(strings.TrimSpace(p.Log()), "\n") > 1 {
			t.Errorf("%v, and it says %q", err, p.Log())
		}
	}
	switch victim {
	case "subscriber":
		sub.Kill()
		used("it has gone, and the publisher goes on", func(u TopicUse) bool { return u.Subscribers == 0 && u.Records > 2*came })
	case "publisher":
		pub.Kill()
		used("it has gone, and the subscriber stays", func(u TopicUse) bool { return u.Publishers == 0 && u.Subscribers == 1 })
		p := publisher(t, "w", topic, TopicOptions{})
		must(t, p.Send([]byte("x")))
		must(t, p.Close())
	case "worker":
		worker.Kill()
		lost(sub)
		lost(pub)
	case "bridge":
		bridge.Stop()
		lost(sub)
		lost(pub)
		used("both have gone", func(u TopicUse) bool { return u.Publishers == 0 && u.Subscribers == 0 })
	}
}

// A bridge that is cut, and doesn't say so, is noticed by its silence, on both sides.
// fault: 178
func TestCutBridgeOfTopics(t *testing.T) {
	w := newWorld(t)
	w.topics()
	bridge := w.bridge("far", "w")
	o := TopicOptions{Heartbeat: time.Second}
	s, p := subscription(t, "far", "block", o), publisher(t, "far", "block", o)
	waits := make(chan error, 1)
	go func() {
		o.Subscribers = 9
		_, err := Publish(context.Background(), "far", "block", o)
		waits <- err
	}()
	must(t, p.Send([]byte("x")))
	if b, err := s.Next(); err != nil || string(b) != "x" {
		t.Fatalf("%q, %v", b, err)
	}
	testkit.Eventually(t, "the third waits", func() bool { return use(t, "block").Publishers == 2 })
	bridge.Cut()
	if _, err := s.Next(); !errors.Is(err, ErrLost) {
		t.Errorf("the subscriber: %v", err)
	}
	<-p.Done()
	if err := p.Flush(); !errors.Is(err, ErrLost) {
		t.Errorf("the publisher: %v", err)
	}
	if err := <-waits; err == nil {
		t.Error("the one that waits has begun")
	}
	testkit.Eventually(t, "the worker notices", func() bool { u := use(t, "block"); return u.Publishers+u.Subscribers == 0 })
}

// use is how a topic of the worker w is used.
func use(t *testing.T, topic string) (u TopicUse) {
	t.Helper()
	infos, err := List(t.Context(), "w", testkit.Limit)
	must(t, err)
	for _, e := range infos[0].Procedures {
		if e.Name == topic {
			u = e.Topic
		}
	}
	return u
}

// A worker that drains tells its members, those that wait too.
// fault: 185
func TestDrainOfTopics(t *testing.T) {
	w := newWorld(t)
	worker := w.topics()
	s, p := subscription(t, "w", "block", TopicOptions{}), publisher(t, "w", "block", TopicOptions{})
	waits := make(chan error, 1)
	go func() {
		_, err := Publish(context.Background(), "w", "block", TopicOptions{Subscribers: 9})
		waits <- err
	}()
	testkit.Eventually(t, "the third waits", func() bool { return use(t, "block").Publishers == 2 })
	worker.Signal(syscall.SIGTERM)
	_, err := s.Next()
	<-p.Done()
	for _, err := range []error{err, p.Flush(), <-waits} {
		if err == nil || !strings.Contains(err.Error(), "is draining") {
			t.Errorf("%v", err)
		}
	}
	<-worker.Done()
}

// Records over the limits are refused here, in one line, and the publisher goes on.
func TestOverlongRecords(t *testing.T) {
	w := newWorld(t)
	w.topics()
	s := subscription(t, "w", "block", TopicOptions{})
	p := publisher(t, "w", "block", TopicOptions{ByValue: true})
	if err := p.Send(make([]byte, 64<<20+1)); !errors.Is(err, ErrUsage) || !strings.Contains(err.Error(), "at most 67108864") {
		t.Errorf("%v", err)
	}
	if _, err := publisher(t, "w", "block", TopicOptions{}).Next(1<<30 + 1); !errors.Is(err, ErrUsage) {
		t.Errorf("%v", err)
	}
	must(t, p.Send([]byte("x")))
	if b, err := s.Next(); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
}

// Millions of records come whole and in order; what rpcd has is as before.
// fault: 186
func TestTopicSoak(t *testing.T) {
	w := newWorld(t)
	worker := w.topics()
	look := func() proc.Usage {
		u, err := proc.Look(worker.PID())
		must(t, err)
		return u
	}
	for _, c := range []struct{ size, count int }{{32, *smallRecords}, {921600, *largeRecords}, {200 << 10, *largeRecords / 4}} {
		for _, byValue := range []bool{false, true} {
			before, maps := look(), mappings(t, worker.PID())
			s, p := subscription(t, "w", "block", TopicOptions{ByValue: byValue}), publisher(t, "w", "block", TopicOptions{})
			go func() {
				b := make([]byte, c.size)
				for i := range c.count {
					if p.Send(stamp(b, uint64(i))) != nil {
						return
					}
				}
				_ = p.Close()
			}()
			for i := range c.count {
				b, err := s.Next()
				must(t, err)
				if n, err := number(b); err != nil || n != uint64(i) || len(b) != c.size {
					t.Fatalf("record %d of %d bytes, want %d: %v", n, len(b), i, err)
				}
			}
			if _, err := s.Next(); err != ErrEnded || s.Missed() > 0 || len(s.rings) > 0 {
				t.Errorf("%v, %d missed, %d rings left", err, s.Missed(), len(s.rings))
			}
			s.Close()
			if !testkit.Eventually(t, "rpcd is as before", func() bool { return look().Descriptors <= before.Descriptors && mappings(t, worker.PID()) <= maps+20 }) {
				t.Errorf("%+v, before %+v", look(), before)
			}
		}
	}
	if kib := look().RSS; kib > 200<<10 {
		t.Errorf("rpcd has %d KiB", kib)
	}
}

func mappings(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	must(t, err)
	return bytes.Count(b, []byte("\n"))
}

// changing makes records once, for a writer that sends them again and again. Most are
// just large enough to be shared, since millions are read in a long run (-topic.reads).
func changing(k int) (list [][]byte) {
	for i := range 48 {
		size := 64<<10 + i%7*4096
		if i%12 == 0 {
			size = sizes[(i/12+k)%len(sizes)]
		}
		list = append(list, record(uint64(i+k), size))
	}
	return list
}

// Readers and writers of the last record come and go: no record is torn, and a reader
// gets one at once.
// fault: 186
func TestLastRecordUnderChange(t *testing.T) {
	w := newWorld(t)
	w.topics()
	w.bridge("far", "w")
	var stop atomic.Bool
	var group sync.WaitGroup
	first := publisher(t, "w", "kept", TopicOptions{})
	must(t, first.Send(record(0, 100<<10)))
	must(t, first.Flush())
	read := make(chan struct{}, 1)
	for k := range 2 {
		group.Go(func() {
			list := changing(k)
			for round := 0; !stop.Load(); round++ {
				p, err := Publish(context.Background(), "w", "kept", TopicOptions{ByValue: round%3 == 2})
				if err != nil {
					t.Error(err)
					return
				}
				for i := range 500 {
					if err := p.Send(list[i%len(list)]); err != nil {
						t.Error(err)
					}
					select { // what nobody reads shows nothing
					case <-read:
					case <-time.After(time.Millisecond):
					}
				}
				if err := p.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var reads atomic.Int64
	var readers sync.WaitGroup
	for k := range 4 {
		readers.Go(func() {
			from := []string{"w", "w", "w", "far"}[k]
			for reads.Load() < int64(*topicReads) {
				s, err := Subscribe(context.Background(), from, "kept", TopicOptions{})
				if err != nil {
					t.Error(err)
					return
				}
				for range 200 {
					b, err := s.Next()
					if err == ErrEnded {
						continue
					}
					if err == nil {
						_, err = number(b)
					}
					if err != nil {
						t.Error(err)
						break
					}
					reads.Add(1)
					select {
					case read <- struct{}{}:
					default:
					}
				}
				s.Close()
			}
		})
	}
	readers.Wait()
	stop.Store(true)
	t.Logf("%d reads", reads.Load())
	group.Wait()
}
