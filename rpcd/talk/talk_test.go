package talk

import (
	"bytes"
	"context"
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

func TestCallToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		caller, callee, worker := begin(t, plainCall)
		hear(worker, callee)
		go func() {
			callee.Accept(wire.Started{ID: "7", Flags: wire.AcceptedWaits, Text: "2 running"})
			callee.Start(wire.Started{ID: "7", Dir: "/", Grace: time.Second})
			_ = callee.Exit(&wire.Exit{Status: 3 << 8, Consumed: -1})
		}()
		if m := want(t, caller, wire.TypeAccepted); m.Text != "2 running" || m.Flags != wire.AcceptedWaits {
			t.Errorf("ACCEPTED %+v", m)
		}
		if m := want(t, caller, wire.TypeStarted); m.ID != "7" || m.Grace != time.Second {
			t.Errorf("STARTED %+v", m)
		}
		exit, err := caller.Follow()
		if err != nil || exit.Status != 3<<8 {
			t.Fatalf("%+v, %v", exit, err)
		}
		if !callee.HasEnded() {
			t.Error("the callee doesn't know that it said EXIT")
		}
		caller.Over(nil, true)
		if err := caller.Signal(syscall.SIGTERM, false); !errors.Is(err, ErrNotRunning) {
			t.Errorf("a signal after the end: %v", err)
		}
	})
}

func TestRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		caller, callee, _ := begin(t, plainCall)
		go callee.Refuse(&wire.Refused{Code: wire.Busy, Text: "is busy"})
		_, _, err := caller.Answer()
		var refused *wire.Refused
		if !errors.As(err, &refused) || refused.Code != wire.Busy {
			t.Fatalf("%v", err)
		}
	})
}

// ACCEPTED is never sent once the call is answered, however late its timer is.
func TestNothingIsAcceptedAfterTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		caller, callee, worker := begin(t, plainCall)
		hear(worker, callee)
		go func() {
			callee.Start(wire.Started{})
			callee.AcceptEarly(wire.Started{})
			_ = callee.Exit(&wire.Exit{Consumed: -1})
		}()
		want(t, caller, wire.TypeStarted)
		if exit, err := caller.Follow(); err != nil || exit == nil {
			t.Fatalf("%v, %v", exit, err)
		}
	})
}

func TestFirstAnswerHasABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		caller, _, _ := begin(t, plainCall)
		began := time.Now()
		if _, _, err := caller.Answer(); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != wire.FirstTimeout {
			t.Fatalf("%v after %v", err, time.Since(began))
		}
	})
}

// A direct call may be silent without a limit. A bridged call ends if no
// heartbeats come.
func TestHeartbeats(t *testing.T) {
	for _, c := range []struct {
		name          string
		bridged, dumb bool
		ends          time.Duration
	}{
		{"direct", false, false, 0},
		{"bridged", true, false, 0},
		{"bridged to a frozen worker", true, true, wire.DefaultHeartbeat},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				caller, callee, worker := begin(t, plainCall)
				if c.bridged {
					callee.SetBridged()
				}
				if c.dumb { // it says STARTED by hand, and nothing any more
					go func() {
						_ = worker.WriteFrame((&wire.Started{Flags: wire.StartedBridged}).Append(wire.TypeStarted))
						_, _ = io.Copy(io.Discard, worker)
					}()
				} else {
					hear(worker, callee)
					go func() {
						callee.Start(wire.Started{})
						time.Sleep(time.Hour)
						_ = callee.Exit(&wire.Exit{Consumed: -1})
					}()
				}
				want(t, caller, wire.TypeStarted)
				began := time.Now()
				exit, err := caller.Follow()
				took := time.Since(began)
				switch {
				case c.ends == 0 && (err != nil || exit == nil || took != time.Hour):
					t.Errorf("%v, %v after %v", exit, err, took)
				case c.ends > 0 && (!errors.Is(err, os.ErrDeadlineExceeded) || took > c.ends):
					t.Errorf("%v after %v", err, took)
				}
				caller.Over(err, exit != nil)
			})
		})
	}
}

// The worker waits without a limit for a caller that is stopped. For another
// caller it waits no longer than the heartbeat's interval.
func TestStoppedCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, callee, worker := begin(t, plainCall)
		callee.SetBridged() // its caller is silent from here on
		worker.BeginHeartbeats(0)
		worker.Pause(true)
		ended := make(chan error, 1)
		go func() { _, err := wire.ReadHeader(worker); ended <- err }()
		time.Sleep(time.Hour)
		synctest.Wait()
		select {
		case err := <-ended:
			t.Fatalf("a stopped caller counts as gone: %v", err)
		default:
		}
		worker.Pause(false)
		began := time.Now()
		if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != wire.DefaultHeartbeat {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestSignals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		caller, callee, worker := begin(t, plainCall)
		events := hear(worker, callee)
		go callee.Start(wire.Started{})
		want(t, caller, wire.TypeStarted)
		for _, say := range []func() error{
			func() error { return caller.Signal(syscall.SIGTERM, false) },
			caller.Stopped,
			caller.Continued,
			func() error { return caller.Signal(syscall.SIGINT, true) },
		} {
			if err := say(); err != nil {
				t.Fatal(err)
			}
		}
		for _, e := range []Event{{Signaled, syscall.SIGTERM}, {Kind: Stopped}, {Kind: Continued}, {Abandoned, syscall.SIGINT}} {
			if got := <-events; got != e {
				t.Errorf("%+v, want %+v", got, e)
			}
		}
	})
}

// Signal waits until CALL is written, and gives up after CancelWait.
func TestSignalBehindTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t)
		caller := NewCaller(a, &plainCall)
		began := time.Now()
		if err := caller.Signal(syscall.SIGTERM, false); !errors.Is(err, ErrNotRunning) || time.Since(began) != CancelWait {
			t.Errorf("nothing was sent: %v after %v", err, time.Since(began))
		}
		told := make(chan error, 1)
		go func() { told <- caller.Signal(syscall.SIGUSR1, false) }()
		time.Sleep(time.Second)
		go func() { _ = caller.Send([]int{0, 1}) }()
		callee := receive(t, b)
		events := hear(b, callee)
		if err := <-told; err != nil {
			t.Error(err)
		}
		if e := <-events; e != (Event{Signaled, syscall.SIGUSR1}) {
			t.Errorf("%+v", e)
		}
		if n := a.Socket.(*pipe).rode.Load(); n != 2 {
			t.Errorf("%d descriptors rode on CALL", n)
		}
	})
}

// crossing is a Socket whose call is over as a SIGNAL leaves.
type crossing struct {
	*pipe
	over func()
}

func (c *crossing) WriteFrame(b []byte) error {
	if wire.Type(b[0]) == wire.TypeSignal {
		c.over()
	}
	return nil
}

// A signal that crosses a refusal isn't lost: the call isn't tried again, or who
// signals is told that it doesn't run.
// fault: 91
func TestSignalThatCrossesARefusal(t *testing.T) {
	for _, crosses := range []bool{true, false} {
		a, b := net.Pipe()
		defer b.Close()
		s := &crossing{pipe: &pipe{Conn: a}}
		caller := Adopt(NewConn(s), &wire.Call{Procedure: "p"}, time.Time{}, time.Time{})
		s.over = func() { caller.Over(io.EOF, false) }
		if !crosses {
			s.over()
		}
		err := caller.Signal(syscall.SIGTERM, false)
		if told := caller.WasToldToEnd(); told != crosses || errors.Is(err, ErrNotRunning) == crosses {
			t.Errorf("crosses %v: told %v, %v", crosses, told, err)
		}
	}
}

// A caller whose call waits leaves if the worker doesn't answer a signal within
// CancelWait. If the procedure runs, the caller waits without a limit.
// fault: 78
func TestSignalToACallThatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		caller, callee, worker := begin(t, plainCall)
		hear(worker, callee)
		began := time.Now()
		if err := caller.Signal(syscall.SIGINT, false); err != nil {
			t.Fatal(err)
		}
		if _, _, err := caller.Answer(); !errors.Is(err, ErrUnanswered) || time.Since(began) != CancelWait {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if !caller.WasToldToEnd() {
			t.Error("nobody remembers the signal")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		caller, callee, worker := begin(t, plainCall)
		hear(worker, callee)
		if err := caller.Signal(syscall.SIGINT, false); err != nil {
			t.Fatal(err)
		}
		go func() {
			callee.Start(wire.Started{})
			time.Sleep(time.Hour)
			_ = callee.Exit(&wire.Exit{Consumed: -1})
		}()
		want(t, caller, wire.TypeStarted)
		if exit, err := caller.Follow(); exit == nil {
			t.Errorf("a call that runs was left: %v", err)
		}
	})
}

// A caller leaves a silent worker after time limit, grace and frozenWait.
func TestFrozenWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := plainCall
		m.Timeout = 3 * time.Second
		caller, callee, worker := begin(t, m)
		hear(worker, callee)
		go callee.Start(wire.Started{Grace: 5 * time.Second})
		want(t, caller, wire.TypeStarted)
		began := time.Now()
		exit, err := caller.Follow()
		if exit != nil || !caller.IsLate() || time.Since(began) != 3*time.Second+5*time.Second+frozenWait {
			t.Errorf("%v, %v after %v", exit, err, time.Since(began))
		}
	})
}

// A time limit whose sum with the grace overflows counts as none.
func TestLimitOfCenturies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := plainCall
		m.Timeout = 1<<63 - 1
		caller, callee, worker := begin(t, m)
		hear(worker, callee)
		go func() {
			callee.Start(wire.Started{Grace: time.Second})
			time.Sleep(time.Minute)
			_ = callee.Exit(&wire.Exit{Consumed: -1})
		}()
		want(t, caller, wire.TypeStarted)
		if exit, err := caller.Follow(); exit == nil {
			t.Error(err)
		}
	})
}

// An announced call starts once the caller has asked for the answer after
// ACCEPTED. The worker waits for that with a limit, and not if the caller stops.
func TestAnnouncedStart(t *testing.T) {
	announced := plainCall
	announced.Flags = wire.CallAnnounce
	synctest.Test(t, func(t *testing.T) {
		caller, callee, worker := begin(t, announced)
		hear(worker, callee)
		said := make(chan error, 1)
		go func() {
			said <- callee.Announce(t.Context(), wire.Started{ID: "1"})
			callee.Start(wire.Started{ID: "1"})
		}()
		want(t, caller, wire.TypeAccepted)
		time.Sleep(time.Second)
		synctest.Wait()
		select {
		case err := <-said:
			t.Fatalf("it starts before its caller has seen it: %v", err)
		default:
		}
		want(t, caller, wire.TypeStarted)
		if err := <-said; err != nil {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		caller, callee, worker := begin(t, announced)
		hear(worker, callee)
		said := make(chan error, 1)
		go func() { said <- callee.Announce(t.Context(), wire.Started{}) }()
		want(t, caller, wire.TypeAccepted)
		if err := <-said; !errors.Is(err, ErrUnproceeded) {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		caller, callee, worker := begin(t, announced)
		hear(worker, callee)
		said := make(chan error, 1)
		go func() { said <- callee.Announce(t.Context(), wire.Started{}) }()
		want(t, caller, wire.TypeAccepted)
		if err := caller.Stopped(); err != nil {
			t.Fatal(err)
		}
		if err := <-said; err != nil {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		caller, callee, _ := begin(t, announced)
		go func() { _, _ = io.Copy(io.Discard, caller.conn) }()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := callee.Announce(ctx, wire.Started{}); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// A kept connection carries one call after the other. Between them it waits as
// long as the other side allows.
func TestKeptConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := plainCall
		m.Flags = wire.CallKeep
		a, b := pair(t)
		for range 3 {
			caller := NewCaller(a, &m)
			go func() { _ = caller.Send(nil) }()
			callee := receive(t, b)
			callee.SetBridged()
			exit := runs(t, caller, callee)
			if !caller.Over(nil, exit != nil) || caller.Over(nil, true) {
				t.Fatal("the connection isn't kept, or kept twice")
			}
			if err := caller.Stopped(); !errors.Is(err, ErrNotRunning) {
				t.Errorf("STOPPED after the end: %v", err)
			}
			b.Rest(0)
			time.Sleep(time.Hour) // longer than the heartbeats of a call
		}
	})
}

// A connection isn't kept if a frame is still being written at the call's end: the
// frame would belong to the next call.
func TestConnectionWithAFrameOnItsWayIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := plainCall
		m.Flags = wire.CallKeep
		caller, callee, _ := begin(t, m)
		exit := runs(t, caller, callee)
		told := make(chan error, 1)
		go func() { told <- caller.Signal(syscall.SIGTERM, false) }() // nobody reads it
		synctest.Wait()
		if caller.Over(nil, exit != nil) {
			t.Error("the connection is kept")
		}
		if err := <-told; err == nil {
			t.Error("the signal was sent")
		}
	})
}

// A caller may leave while its call runs. After the end Leave does nothing, since
// the connection may belong to another call.
func TestLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		caller, callee, worker := begin(t, plainCall)
		hear(worker, callee)
		go callee.Start(wire.Started{})
		want(t, caller, wire.TypeStarted)
		time.AfterFunc(time.Second, caller.Leave)
		if exit, err := caller.Follow(); exit != nil || err == nil {
			t.Errorf("%v, %v", exit, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		m := plainCall
		m.Flags = wire.CallKeep
		caller, callee, _ := begin(t, m)
		exit := runs(t, caller, callee)
		if !caller.Over(nil, exit != nil) {
			t.Fatal("the connection isn't kept")
		}
		caller.Leave()
		if caller.conn.phase != phaseRest {
			t.Error("the kept connection is closed")
		}
	})
}

// An adopted call first takes the bytes that its maker has read already.
func TestAdopt(t *testing.T) {
	started := (&wire.Started{ID: "9"}).Append(wire.TypeStarted)
	for cut := range len(started) + 1 {
		synctest.Test(t, func(t *testing.T) {
			a, b := pair(t)
			m := plainCall
			caller := Adopt(NewConnAfter(a.Socket, started[:cut]), &m, time.Time{}, time.Time{})
			callee := NewCallee(b, &m)
			events := hear(b, callee)
			go func() {
				if cut < len(started) {
					_ = b.WriteFrame(started[cut:])
				}
				<-events
				_ = callee.Exit(&wire.Exit{Status: 15, Consumed: -1})
			}()
			if m := want(t, caller, wire.TypeStarted); m.ID != "9" {
				t.Errorf("%+v", m)
			}
			if err := caller.Signal(syscall.SIGTERM, false); err != nil {
				t.Error(err)
			}
			if exit, err := caller.Follow(); err != nil || exit.Status != 15 {
				t.Errorf("%v, %v", exit, err)
			}
		})
	}
}

func TestAsk(t *testing.T) {
	ping := Question{Frame: wire.Question(wire.TypePing), Answer: wire.TypePong}
	for _, c := range []struct {
		name   string
		answer []byte
		right  func(payload []byte, err error) bool
	}{
		{"an answer", wire.Frame(wire.TypePong, 0, 0, []byte("pong")), func(b []byte, err error) bool { return string(b) == "pong" && err == nil }},
		{"a refusal", (&wire.Refused{Code: wire.Denied}).Append(), func(_ []byte, err error) bool {
			var refused *wire.Refused
			return errors.As(err, &refused) && refused.Code == wire.Denied
		}},
		{"another frame", wire.Frame(wire.TypeCalls, 0, 0, nil), func(_ []byte, err error) bool { return errors.Is(err, wire.ErrProtocol) }},
		{"silence", nil, func(_ []byte, err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := pair(t)
				go func() {
					if typ, _, err := readFrame(b); err == nil && typ == wire.TypePing && c.answer != nil {
						_ = b.WriteFrame(c.answer)
					}
				}()
				if b, err := Ask(a, ping, time.Second); !c.right(b, err) {
					t.Errorf("%q, %v", b, err)
				}
			})
		})
	}
}

// Abort wakes every goroutine that waits for the connection. No later phase lets
// it be used again.
func TestAbort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, _ := pair(t)
		read := make(chan error, 1)
		go func() { _, err := a.Read(make([]byte, 1)); read <- err }()
		synctest.Wait()
		a.Abort()
		if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error(err)
		}
		a.Rest(time.Hour)
		if err := a.WriteFrame([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("a write afterwards: %v", err)
		}
	})
}

// A caller comes to an end with any bytes that a worker sends. Half an EXIT never
// gives a status.
func FuzzAnswers(f *testing.F) {
	f.Add((&wire.Started{}).Append(wire.TypeStarted), (&wire.Exit{Consumed: -1}).Append())
	f.Add((&wire.Refused{Code: wire.Busy}).Append(), []byte{})
	f.Add(wire.Frame(wire.TypeHeartbeat, 0, 0, nil), wire.Frame(wire.TypeData, 1, 0, []byte("x")))
	f.Add((&wire.Started{}).Append(wire.TypeStarted), wire.Frame(wire.TypeExit, 0, 0, nil)) // without a status
	f.Fuzz(func(t *testing.T, first, second []byte) {
		m := plainCall
		whole := append(bytes.Clone(first), second...)
		caller := Adopt(NewConnAfter(deaf{}, whole), &m, time.Time{}, time.Time{})
		for {
			typ, _, err := caller.Answer()
			if err != nil {
				return
			}
			if typ == wire.TypeStarted {
				break
			}
		}
		exit, err := caller.Follow()
		caller.Over(err, exit != nil)
		if (exit == nil) == (err == nil) {
			t.Fatalf("%v and %v", exit, err)
		}
	})
}

// deaf is a socket whose other side has closed.
type deaf struct{}

func (deaf) Read([]byte) (int, error)             { return 0, io.EOF }
func (deaf) WriteFrame([]byte) error              { return nil }
func (deaf) WriteDescriptors([]byte, []int) error { return nil }
func (deaf) WriteIfRead([]byte)                   {}
func (deaf) SetIdle(time.Duration)                {}
func (deaf) SetDeadline(time.Time) error          { return nil }
func (deaf) Close() error                         { return nil }
