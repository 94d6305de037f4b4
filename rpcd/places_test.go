package rpcd

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"rpcd/rpcd/export"
	"rpcd/rpcd/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// code gives a refusal's code, or 0 for another error, or none.
func code(err error) wire.Code {
	var r *wire.Refused
	if errors.As(err, &r) {
		return r.Code
	}
	return 0
}

func proc(name string, max int) *export.Procedure {
	return &export.Procedure{Name: name, MaxCalls: max}
}

func ignore(string) {}

// take takes a place at once, or fails the test.
func take(t *testing.T, p *places, pr *export.Procedure) {
	t.Helper()
	if err := p.take(t.Context(), pr, 0, func(string) { t.Error("it was told to wait") }); err != nil {
		t.Fatal(err)
	}
}

// wantLoad checks what runs and what waits.
func wantLoad(t *testing.T, p *places, running, waiting uint32) {
	t.Helper()
	if l := p.load(); l.Running != running || l.Waiting != waiting {
		t.Errorf("%d running, %d waiting; want %d, %d", l.Running, l.Waiting, running, waiting)
	}
}

// wait begins to wait for a place and gives where the answer comes.
func wait(ctx context.Context, p *places, pr *export.Procedure, d time.Duration) chan error {
	answer := make(chan error, 1)
	go func() { answer <- p.take(ctx, pr, d, ignore) }()
	synctest.Wait()
	return answer
}

// fault: 77
func TestFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(1, 10)
		x := proc("x", 0)
		take(t, p, x)
		var answers []chan error
		for range 5 {
			answers = append(answers, wait(t.Context(), p, x, time.Hour))
		}
		wantLoad(t, p, 1, 5)
		for i := range answers {
			p.give("x")
			synctest.Wait()
			for j, a := range answers {
				select {
				case err := <-a:
					if j != i || err != nil {
						t.Errorf("place %d: caller %d got %v", i, j, err)
					}
				default:
					if j == i {
						t.Errorf("place %d: its caller still waits", i)
					}
				}
			}
			wantLoad(t, p, 1, uint32(len(answers)-1-i))
		}
		p.give("x")
		wantLoad(t, p, 0, 0)
		if len(p.running) != 0 {
			t.Errorf("names are kept: %v", p.running)
		}
	})
}

// A procedure at its own limit lets others past, and is itself served in order.
func TestProcedureLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(3, 10)
		slow, fast := proc("slow", 1), proc("fast", 0)
		take(t, p, slow)
		second := wait(t.Context(), p, slow, time.Hour)
		third := wait(t.Context(), p, slow, time.Hour)
		take(t, p, fast)
		take(t, p, fast)
		wantLoad(t, p, 3, 2)
		p.give("fast")
		synctest.Wait()
		wantLoad(t, p, 2, 2) // nobody else of slow's may come in
		p.give("slow")
		if err := <-second; err != nil {
			t.Error(err)
		}
		wantLoad(t, p, 2, 1)
		p.give("slow")
		if err := <-third; err != nil {
			t.Error(err)
		}
		p.give("slow")
		p.give("fast")
		wantLoad(t, p, 0, 0)
	})
}

// A place that becomes free goes to the first who may have it.
func TestLimitedWaiterIsPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(2, 10)
		slow, fast := proc("slow", 1), proc("fast", 0)
		take(t, p, slow)
		take(t, p, fast)
		first := wait(t.Context(), p, slow, time.Hour)
		second := wait(t.Context(), p, fast, time.Hour)
		p.give("fast")
		if err := <-second; err != nil {
			t.Error(err)
		}
		wantLoad(t, p, 2, 1)
		p.give("slow")
		if err := <-first; err != nil {
			t.Error(err)
		}
		wantLoad(t, p, 2, 0)
	})
}

func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(2, 1)
		x, y := proc("x", 0), proc("y", 0)
		take(t, p, x)
		take(t, p, y)
		err := p.take(t.Context(), x, 0, func(string) { t.Error("it was told to wait") })
		if code(err) != wire.Busy || !strings.Contains(err.Error(), "2 running (1 x, 1 y)") {
			t.Errorf("without a wait: %v", err)
		}
		told := ""
		answer := make(chan error, 1)
		go func() { answer <- p.take(t.Context(), x, time.Minute, func(behind string) { told = behind }) }()
		synctest.Wait()
		if !strings.Contains(told, "2 running") {
			t.Errorf("it waits behind %q", told)
		}
		if err := p.take(t.Context(), x, time.Minute, ignore); code(err) != wire.Busy || !strings.Contains(err.Error(), "1 waiting") {
			t.Errorf("with the queue full: %v", err)
		}
		began := time.Now()
		if err := <-answer; code(err) != wire.Busy || !strings.Contains(err.Error(), "waited 1m0s") {
			t.Errorf("after its wait: %v", err)
		}
		if time.Since(began) != time.Minute {
			t.Errorf("it waited %v", time.Since(began))
		}
		wantLoad(t, p, 2, 0)
	})
}

// Who leaves the queue never gets in, and holds nobody up.
func TestWaiterLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(1, 10)
		x := proc("x", 0)
		take(t, p, x)
		ctx, leave := context.WithCancel(t.Context())
		first := wait(ctx, p, x, time.Hour)
		second := wait(t.Context(), p, x, time.Hour)
		leave()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("who left: %v", err)
		}
		wantLoad(t, p, 1, 1)
		p.give("x")
		if err := <-second; err != nil {
			t.Error(err)
		}
		p.give("x")
		wantLoad(t, p, 0, 0)
	})
}

func TestCloseRefusesWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(1, 10)
		x := proc("x", 0)
		take(t, p, x)
		var answers []chan error
		for range 3 {
			answers = append(answers, wait(t.Context(), p, x, time.Hour))
		}
		p.close()
		p.close()
		for _, a := range answers {
			if err := <-a; code(err) != wire.Draining {
				t.Errorf("who waited: %v, want draining", err)
			}
		}
		if err := p.take(t.Context(), x, time.Hour, ignore); code(err) != wire.Draining {
			t.Errorf("who comes: %v, want draining", err)
		}
		wantLoad(t, p, 1, 0)
		p.give("x")
		wantLoad(t, p, 0, 0)
	})
}

// Callers that come, wait, leave and give up in any order: never more than may
// run do, and all places are free in the end.
func TestPlacesCount(t *testing.T) {
	const most, perName, callers = 4, 2, 60
	p := newPlaces(most, 20)
	var total atomic.Int32
	running := make([]atomic.Int32, 3)
	var in, busy, left atomic.Int32
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(i), 7))
			for range 100 {
				n := rnd.IntN(len(running))
				pr := proc(fmt.Sprint(n), perName)
				ctx, cancel := context.WithCancel(t.Context())
				if rnd.IntN(3) == 0 {
					time.AfterFunc(time.Duration(rnd.IntN(300))*time.Microsecond, cancel)
				}
				err := p.take(ctx, pr, time.Duration(rnd.IntN(2000))*time.Microsecond, ignore)
				switch {
				case err == nil:
					in.Add(1)
					if a, b := total.Add(1), running[n].Add(1); a > most || b > perName {
						t.Errorf("%d run, %d of one name", a, b)
					}
					time.Sleep(time.Duration(rnd.IntN(100)) * time.Microsecond)
					total.Add(-1)
					running[n].Add(-1)
					p.give(pr.Name)
				case errors.Is(err, context.Canceled):
					left.Add(1)
				case code(err) == wire.Busy:
					busy.Add(1)
				default:
					t.Errorf("take: %v", err)
				}
				cancel()
			}
		})
	}
	all.Wait()
	wantLoad(t, p, 0, 0)
	if len(p.running) != 0 {
		t.Errorf("names are kept: %v", p.running)
	}
	if in.Load() == 0 || busy.Load() == 0 || left.Load() == 0 {
		t.Errorf("%d got in, %d found it busy, %d left: something never happened", in.Load(), busy.Load(), left.Load())
	}
}

func TestBehindIsShort(t *testing.T) {
	p := newPlaces(100, 0)
	for i := range 50 {
		take(t, p, proc(fmt.Sprintf("procedure%02d", i), 0))
	}
	if s := p.behind(); len(s) > 200 || !strings.Contains(s, "50 running") || !strings.Contains(s, "...") {
		t.Errorf("%q", s)
	}
	if l := p.load(); !slices.Equal([]uint32{l.MaxCalls, l.MaxQueue}, []uint32{100, 0}) {
		t.Errorf("%+v", l)
	}
}

// A limit that was raised holds for who waits, too, and before who comes later.
// fault: 77
func TestRaisedLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlaces(10, 10)
		take(t, p, proc("a", 1))
		first := wait(t.Context(), p, proc("a", 1), hang)
		second := wait(t.Context(), p, proc("a", 2), hang)
		if err := <-first; err != nil {
			t.Errorf("the first in the queue: %v", err)
		}
		wantLoad(t, p, 2, 1)
		p.give("a")
		if err := <-second; err != nil {
			t.Errorf("the second: %v", err)
		}
		wantLoad(t, p, 2, 0)
	})
}
