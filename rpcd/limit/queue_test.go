package limit

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
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// procedure is a name and how many of its calls may run; 0: any number.
type procedure struct {
	name string
	most int
}

func isFull(err error, words string) bool {
	var full *FullError
	return errors.As(err, &full) && strings.Contains(err.Error(), words)
}

func ignore(string) {}

// take takes a place at once, or fails the test.
func take(t *testing.T, q *Queue, p procedure) {
	t.Helper()
	if err := q.Take(t.Context(), p.name, p.most, 0, func(string) { t.Error("it was told to wait") }); err != nil {
		t.Fatal(err)
	}
}

// wantLoad checks what runs and what waits.
func wantLoad(t *testing.T, q *Queue, running, waiting int) {
	t.Helper()
	if l := q.Load(); l.Running != running || l.Waiting != waiting {
		t.Errorf("%d running, %d waiting; want %d, %d", l.Running, l.Waiting, running, waiting)
	}
}

// wait begins to wait for a place and gives where the answer comes.
func wait(ctx context.Context, q *Queue, p procedure, d time.Duration) chan error {
	answer := make(chan error, 1)
	go func() { answer <- q.Take(ctx, p.name, p.most, d, ignore) }()
	synctest.Wait()
	return answer
}

// fault: 77
func TestFirstComeFirstServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(1, 10)
		x := procedure{"x", 0}
		take(t, q, x)
		var answers []chan error
		for range 5 {
			answers = append(answers, wait(t.Context(), q, x, time.Hour))
		}
		wantLoad(t, q, 1, 5)
		for i := range answers {
			q.Give("x")
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
			wantLoad(t, q, 1, len(answers)-1-i)
		}
		q.Give("x")
		wantLoad(t, q, 0, 0)
		if len(q.running) != 0 {
			t.Errorf("names are kept: %v", q.running)
		}
	})
}

// A procedure at its own limit lets others past, and is itself served in order.
func TestProcedureLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(3, 10)
		slow, fast := procedure{"slow", 1}, procedure{"fast", 0}
		take(t, q, slow)
		second := wait(t.Context(), q, slow, time.Hour)
		third := wait(t.Context(), q, slow, time.Hour)
		take(t, q, fast)
		take(t, q, fast)
		wantLoad(t, q, 3, 2)
		q.Give("fast")
		synctest.Wait()
		wantLoad(t, q, 2, 2) // slow is still at its own limit
		q.Give("slow")
		if err := <-second; err != nil {
			t.Error(err)
		}
		wantLoad(t, q, 2, 1)
		q.Give("slow")
		if err := <-third; err != nil {
			t.Error(err)
		}
		q.Give("slow")
		q.Give("fast")
		wantLoad(t, q, 0, 0)
	})
}

// A place that becomes free goes to the first call that may have it.
func TestLimitedWaiterIsPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(2, 10)
		slow, fast := procedure{"slow", 1}, procedure{"fast", 0}
		take(t, q, slow)
		take(t, q, fast)
		first := wait(t.Context(), q, slow, time.Hour)
		second := wait(t.Context(), q, fast, time.Hour)
		q.Give("fast")
		if err := <-second; err != nil {
			t.Error(err)
		}
		wantLoad(t, q, 2, 1)
		q.Give("slow")
		if err := <-first; err != nil {
			t.Error(err)
		}
		wantLoad(t, q, 2, 0)
	})
}

func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(2, 1)
		x, y := procedure{"x", 0}, procedure{"y", 0}
		take(t, q, x)
		take(t, q, y)
		err := q.Take(t.Context(), x.name, x.most, 0, func(string) { t.Error("it was told to wait") })
		if !isFull(err, "2 running (1 x, 1 y)") {
			t.Errorf("without a wait: %v", err)
		}
		told := ""
		answer := make(chan error, 1)
		go func() {
			answer <- q.Take(t.Context(), x.name, x.most, time.Minute, func(behind string) { told = behind })
		}()
		synctest.Wait()
		if !strings.Contains(told, "2 running") {
			t.Errorf("it waits behind %q", told)
		}
		if err := q.Take(t.Context(), x.name, x.most, time.Minute, ignore); !isFull(err, "1 waiting") {
			t.Errorf("with the queue full: %v", err)
		}
		began := time.Now()
		if err := <-answer; !isFull(err, "waited 1m0s behind 2 running") {
			t.Errorf("after its wait: %v", err)
		}
		if time.Since(began) != time.Minute {
			t.Errorf("it waited %v", time.Since(began))
		}
		wantLoad(t, q, 2, 0)
	})
}

// A caller that leaves the queue never gets a place, and holds nobody up.
func TestWaiterLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(1, 10)
		x := procedure{"x", 0}
		take(t, q, x)
		ctx, leave := context.WithCancel(t.Context())
		first := wait(ctx, q, x, time.Hour)
		second := wait(t.Context(), q, x, time.Hour)
		leave()
		if err := <-first; !errors.Is(err, context.Canceled) {
			t.Errorf("the caller that left: %v", err)
		}
		wantLoad(t, q, 1, 1)
		q.Give("x")
		if err := <-second; err != nil {
			t.Error(err)
		}
		q.Give("x")
		wantLoad(t, q, 0, 0)
	})
}

func TestCloseRefusesWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(1, 10)
		x := procedure{"x", 0}
		take(t, q, x)
		var answers []chan error
		for range 3 {
			answers = append(answers, wait(t.Context(), q, x, time.Hour))
		}
		q.Close()
		q.Close()
		for _, a := range answers {
			if err := <-a; !errors.Is(err, ErrClosed) {
				t.Errorf("a call that waited: %v, want ErrClosed", err)
			}
		}
		if err := q.Take(t.Context(), x.name, x.most, time.Hour, ignore); !errors.Is(err, ErrClosed) {
			t.Errorf("a call that comes: %v, want ErrClosed", err)
		}
		wantLoad(t, q, 1, 0)
		q.Give("x")
		wantLoad(t, q, 0, 0)
	})
}

// Callers that come, wait, leave and give up in any order: never more than may
// run do, and all places are free in the end.
func TestQueueCounts(t *testing.T) {
	const most, perName, callers = 4, 2, 60
	q := NewQueue(most, 20)
	var total atomic.Int32
	running := make([]atomic.Int32, 3)
	var in, busy, left atomic.Int32
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(uint64(i), 7))
			for range 100 {
				n := rnd.IntN(len(running))
				p := procedure{fmt.Sprint(n), perName}
				ctx, cancel := context.WithCancel(t.Context())
				if rnd.IntN(3) == 0 {
					time.AfterFunc(time.Duration(rnd.IntN(300))*time.Microsecond, cancel)
				}
				err := q.Take(ctx, p.name, p.most, time.Duration(rnd.IntN(2000))*time.Microsecond, ignore)
				switch {
				case err == nil:
					in.Add(1)
					if a, b := total.Add(1), running[n].Add(1); a > most || b > perName {
						t.Errorf("%d run, %d of one name", a, b)
					}
					time.Sleep(time.Duration(rnd.IntN(100)) * time.Microsecond)
					total.Add(-1)
					running[n].Add(-1)
					q.Give(p.name)
				case errors.Is(err, context.Canceled):
					left.Add(1)
				case isFull(err, "running"):
					busy.Add(1)
				default:
					t.Errorf("take: %v", err)
				}
				cancel()
			}
		})
	}
	all.Wait()
	wantLoad(t, q, 0, 0)
	if len(q.running) != 0 {
		t.Errorf("names are kept: %v", q.running)
	}
	if in.Load() == 0 || busy.Load() == 0 || left.Load() == 0 {
		t.Errorf("%d got in, %d found it busy, %d left: something never happened", in.Load(), busy.Load(), left.Load())
	}
}

func TestBehindIsShort(t *testing.T) {
	q := NewQueue(100, 0)
	for i := range 50 {
		take(t, q, procedure{fmt.Sprintf("procedure%02d", i), 0})
	}
	if s := q.behind(); len(s) > 200 || !strings.Contains(s, "50 running") || !strings.Contains(s, "...") {
		t.Errorf("%q", s)
	}
	if l := q.Load(); !slices.Equal([]int{l.MaxRunning, l.MaxWaiting}, []int{100, 0}) {
		t.Errorf("%+v", l)
	}
}

// A raised limit serves the calls that wait before one that comes later.
// fault: 77
func TestRaisedLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewQueue(10, 10)
		take(t, q, procedure{"a", 1})
		first := wait(t.Context(), q, procedure{"a", 1}, time.Hour)
		second := wait(t.Context(), q, procedure{"a", 2}, time.Hour)
		if err := <-first; err != nil {
			t.Errorf("the first in the queue: %v", err)
		}
		wantLoad(t, q, 2, 1)
		q.Give("a")
		if err := <-second; err != nil {
			t.Errorf("the second: %v", err)
		}
		wantLoad(t, q, 2, 0)
	})
}
