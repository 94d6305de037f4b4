package talk

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rpcd/rpcd/wire"
)

// by begins a call at a worker that is no Callee: it says the frames, and then does
// whatever f does with the connection.
func by(t *testing.T, m wire.Call, f func(worker *Conn), frames ...[]byte) *Caller {
	t.Helper()
	caller, _, worker := begin(t, m)
	go func() {
		for _, b := range frames {
			_ = worker.WriteFrame(b)
		}
		f(worker)
	}()
	return caller
}

func acceptedFrame(m wire.Started) []byte { return m.Append(wire.TypeAccepted) }

func readsNothing(*Conn) {}

func readsAll(worker *Conn) { _, _ = io.Copy(io.Discard, worker) }

// lives reads all, and sends HEARTBEAT without end.
func lives(worker *Conn) {
	go readsAll(worker)
	for worker.WriteFrame(heartbeat()) == nil {
		time.Sleep(time.Second)
	}
}

// A worker that takes no frames holds up no signal for longer than CancelWait. The
// call ends then, if the signal should have ended it.
// fault: 124
func TestWorkerThatTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		caller := by(t, plainCall, readsNothing, (&wire.Started{}).Append(wire.TypeStarted))
		want(t, caller, wire.TypeStarted)
		ended := make(chan error, 1)
		go func() { _, err := caller.Follow(); ended <- err }()
		for _, say := range []func() error{
			func() error { return caller.Signal(syscall.SIGUSR1, false) }, // one frame is stuck
			caller.Stopped,
			caller.Continued,
			func() error { return caller.Signal(syscall.SIGINT, true) },
		} {
			began := time.Now()
			if err := say(); !errors.Is(err, ErrUntaken) || time.Since(began) != CancelWait {
				t.Errorf("%v after %v", err, time.Since(began))
			}
		}
		if err := <-ended; !errors.Is(err, ErrUnanswered) {
			t.Errorf("the call: %v", err)
		}
	})
}

// Frames that nobody takes don't pile up.
// fault: 124
func TestUntakenFramesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		caller := by(t, plainCall, readsNothing, (&wire.Started{}).Append(wire.TypeStarted))
		want(t, caller, wire.TypeStarted)
		for range 2 * maxUntold {
			go func() { _ = caller.Signal(syscall.SIGUSR1, false) }()
		}
		synctest.Wait()
		if n := len(caller.untold); n != maxUntold {
			t.Errorf("%d frames wait", n)
		}
		caller.Leave()
		synctest.Wait()
		if n := len(caller.untold); n != 0 {
			t.Errorf("%d frames wait after the end", n)
		}
	})
}

// A worker that takes a signal that ends the call, and says nothing then, is left. One
// that lives isn't, however long its procedure ignores the signal.
// fault: 125
func TestSignalToAFrozenWorker(t *testing.T) {
	started := (&wire.Started{}).Append(wire.TypeStarted)
	for _, half := range [][]byte{nil, wire.Frame(wire.TypeExit, 0, 0, make([]byte, 99))[:50]} {
		synctest.Test(t, func(t *testing.T) {
			caller := by(t, plainCall, readsAll, started, half)
			want(t, caller, wire.TypeStarted)
			began := time.Now()
			time.AfterFunc(time.Hour, func() { _ = caller.Signal(syscall.SIGHUP, false) })
			_, err := caller.Follow()
			if took := time.Since(began) - time.Hour; !errors.Is(err, ErrUnanswered) || took < SignWait || took > 2*SignWait {
				t.Errorf("%v after %v", err, took)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) { // the signal crosses STARTED
		proceed := make(chan struct{})
		caller := by(t, plainCall, func(worker *Conn) {
			go readsAll(worker)
			<-proceed
			_ = worker.WriteFrame(started)
		})
		if err := caller.Signal(syscall.SIGHUP, false); err != nil {
			t.Error(err)
		}
		close(proceed)
		want(t, caller, wire.TypeStarted)
		began := time.Now()
		if _, err := caller.Follow(); !errors.Is(err, ErrUnanswered) || time.Since(began) > 2*SignWait {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		caller, callee, worker := begin(t, plainCall)
		hear(worker, callee)
		go func() {
			_ = caller.Signal(syscall.SIGINT, false)
			callee.Start(wire.Started{})
			for range 10 {
				time.Sleep(time.Minute)
				_ = caller.Signal(syscall.SIGTERM, false)
			}
			time.Sleep(time.Hour)
			_ = callee.Exit(&wire.Exit{Consumed: -1})
		}()
		want(t, caller, wire.TypeStarted)
		if exit, err := caller.Follow(); exit == nil {
			t.Errorf("a worker that lives was left: %v", err)
		}
	})
}

// A call that waits hears from its worker, also where it is direct. So a frozen worker
// is noticed, and a long wait isn't disturbed.
// fault: 126
func TestSignsOfLifeInTheQueue(t *testing.T) {
	waits := wire.Started{ID: "1", Flags: wire.AcceptedWaits}
	synctest.Test(t, func(t *testing.T) {
		caller := by(t, plainCall, readsAll, acceptedFrame(waits))
		want(t, caller, wire.TypeAccepted)
		began := time.Now()
		_, _, err := caller.Answer()
		if took := time.Since(began); !errors.Is(err, os.ErrDeadlineExceeded) || took < wire.DefaultHeartbeat || took > 2*wire.DefaultHeartbeat {
			t.Errorf("%v after %v", err, took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		caller, callee, worker := begin(t, plainCall)
		hear(worker, callee)
		go func() {
			callee.Accept(waits)
			time.Sleep(time.Hour)
			callee.Start(wire.Started{ID: "1"})
			time.Sleep(time.Hour) // without a sign
			_ = callee.Exit(&wire.Exit{Consumed: -1})
		}()
		want(t, caller, wire.TypeAccepted)
		want(t, caller, wire.TypeStarted)
		if exit, err := caller.Follow(); exit == nil {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // its caller is stopped, and continued when the worker is frozen
		caller := by(t, plainCall, readsAll, acceptedFrame(waits))
		want(t, caller, wire.TypeAccepted)
		if err := caller.Stopped(); err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Hour, func() { _ = caller.Continued() })
		began := time.Now()
		if _, _, err := caller.Answer(); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) < time.Hour {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// stood is a socket whose reader has stood still past its time limit, once, while
// bytes came.
type stood struct {
	*pipe
	failed bool
}

func (s *stood) Read(b []byte) (int, error) {
	if s.idle.Load() > 0 && !s.failed {
		s.failed = true
		return 0, os.ErrDeadlineExceeded
	}
	return s.pipe.Read(b)
}

// A caller that was frozen itself in the queue reads what came meanwhile.
// fault: 4 126
func TestFrozenCallerInTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := net.Pipe()
		defer b.Close()
		s := &stood{pipe: &pipe{Conn: a}}
		caller := Adopt(NewConn(s), &plainCall, time.Time{}, time.Time{})
		go func() {
			_, _ = b.Write(acceptedFrame(wire.Started{Flags: wire.AcceptedWaits}))
			_, _ = b.Write((&wire.Started{}).Append(wire.TypeStarted))
		}()
		want(t, caller, wire.TypeAccepted)
		want(t, caller, wire.TypeStarted)
		if !s.failed {
			t.Error("its read had no time limit")
		}
		caller.Over(nil, false)
	})
}

// With a time limit a call leaves, whatever its worker says.
// fault: 127
func TestTimeLimitAgainstAnyWorker(t *testing.T) {
	const grace = 1<<63 - 1
	started := (&wire.Started{Grace: grace}).Append(wire.TypeStarted)
	waits := func(d time.Duration) []byte { return acceptedFrame(wire.Started{Flags: wire.AcceptedWaits, Wait: d}) }
	plain := acceptedFrame(wire.Started{})
	for _, c := range []struct {
		name   string
		frames [][]byte
		limit  time.Duration
		err    error
		ends   time.Duration
	}{
		{"the grace of centuries", [][]byte{started}, time.Second, ErrLate, time.Second + leastGrace + frozenWait},
		{"that, and a long limit", [][]byte{started}, 10 * time.Minute, ErrLate, 20*time.Minute + frozenWait},
		{"that, and a longer limit", [][]byte{started}, 10 * time.Hour, ErrLate, 10*time.Hour + longestGrace + frozenWait},
		{"a queue", [][]byte{waits(0)}, time.Second, ErrNotStarted, wire.DefaultWait + startWait},
		{"a long queue", [][]byte{waits(time.Hour)}, time.Second, ErrNotStarted, time.Hour + startWait},
		{"a queue of centuries", [][]byte{waits(grace)}, time.Second, ErrNotStarted, longestWait + startWait},
		{"a slow start", [][]byte{plain}, time.Second, ErrNotStarted, wire.DefaultWait + startWait},
		{"a slow start into a queue", [][]byte{plain, waits(time.Hour)}, time.Second, ErrNotStarted, time.Hour + startWait},
		{"queues one after the other", [][]byte{waits(time.Minute), waits(time.Hour), plain, waits(time.Hour)}, time.Second, ErrNotStarted, time.Minute + startWait},
		{"the queue, then the grace", [][]byte{waits(grace), started}, time.Second, ErrLate, time.Second + leastGrace + frozenWait},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := plainCall
				m.Timeout = c.limit
				caller := by(t, m, lives, c.frames...)
				began := time.Now()
				var typ wire.Type
				var err error
				for err == nil && typ != wire.TypeStarted {
					typ, _, err = caller.Answer()
				}
				if err == nil {
					_, err = caller.Follow()
				}
				if caller.IsLate() {
					err = ErrLate
				}
				if !errors.Is(err, c.err) || time.Since(began) != c.ends {
					t.Errorf("%v after %v, want %v after %v", err, time.Since(began), c.err, c.ends)
				}
				caller.Over(err, false)
				caller.EndBounds()
				time.Sleep(time.Minute) // until the worker has noticed
			})
		})
	}
}

// The time limit goes on behind EXIT, for outputs, until EndBounds.
// fault: 127
func TestTimeLimitBehindExit(t *testing.T) {
	for _, ended := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			m := plainCall
			m.Timeout, m.Flags = time.Second, wire.CallKeep
			caller, callee, _ := begin(t, m)
			exit := runs(t, caller, callee)
			if !caller.Over(nil, exit != nil) {
				t.Fatal("the connection isn't kept")
			}
			if ended {
				caller.EndBounds()
			}
			time.Sleep(time.Hour)
			if caller.IsLate() == ended || caller.conn.phase != phaseRest {
				t.Errorf("late: %v, phase %v", caller.IsLate(), caller.conn.phase)
			}
		})
	}
}
