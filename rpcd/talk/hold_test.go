package talk

import (
	"context"
	"errors"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"rpcd/rpcd/wire"
)

// A call with CONFIRM is announced where it is bridged, and only there.
func TestConfirmedStart(t *testing.T) {
	confirmed := plainCall
	confirmed.Flags = wire.CallConfirm
	for _, early := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			caller, callee, worker := begin(t, confirmed)
			events := hear(worker, callee)
			callee.SetBridged()
			said := make(chan error, 1)
			go func() {
				if early { // it takes long to look the call up
					callee.AcceptEarly(wire.Started{ID: "1"})
				}
				said <- callee.Announce(t.Context(), wire.Started{ID: "1"})
				callee.Start(wire.Started{ID: "1"})
			}()
			if caller.Hold() != HeldIfBridged {
				t.Errorf("before the answer: %v", caller.Hold())
			}
			want(t, caller, wire.TypeAccepted)
			synctest.Wait()
			if caller.Hold() != Held || len(said) > 0 {
				t.Errorf("before CONTINUED: %v, %d", caller.Hold(), len(said))
			}
			for {
				typ, _, err := caller.Answer()
				if caller.Hold() != Released {
					t.Error("CONTINUED is sent and the call still counts as held")
				}
				if err != nil || typ == wire.TypeStarted {
					break
				}
			}
			if err := <-said; err != nil {
				t.Error(err)
			}
			if err := caller.Signal(syscall.SIGUSR1, false); err != nil {
				t.Error(err)
			}
			if e := <-events; e != (Event{Signaled, syscall.SIGUSR1}) { // and no Continued before
				t.Errorf("%+v", e)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		caller, callee, worker := begin(t, confirmed)
		hear(worker, callee)
		if err := callee.Announce(t.Context(), wire.Started{}); err != nil {
			t.Error(err)
		}
		go callee.Start(wire.Started{})
		want(t, caller, wire.TypeStarted)
	})
}

// A call that waits in the queue is told so, and confirmed when it has its place.
func TestConfirmedBehindTheQueue(t *testing.T) {
	confirmed := plainCall
	confirmed.Flags = wire.CallConfirm
	synctest.Test(t, func(t *testing.T) {
		caller, callee, worker := begin(t, confirmed)
		hear(worker, callee)
		callee.SetBridged()
		go callee.Accept(wire.Started{Flags: wire.AcceptedWaits})
		want(t, caller, wire.TypeAccepted)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		said := make(chan error, 1)
		go func() { said <- callee.Announce(ctx, wire.Started{}) }()
		want(t, caller, wire.TypeAccepted)
		if err := <-said; !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ACCEPTED with WAITING was answered: %v", err)
		}
		if caller.Hold() != Held {
			t.Error(caller.Hold())
		}
	})
}

// A caller that stops lets its call start: from then on nothing is sure.
func TestStopReleases(t *testing.T) {
	for _, say := range []func(*Caller) error{(*Caller).Stopped, (*Caller).Continued} {
		synctest.Test(t, func(t *testing.T) {
			m := plainCall
			m.Flags = wire.CallAnnounce
			caller, callee, worker := begin(t, m)
			hear(worker, callee)
			if caller.Hold() != Held {
				t.Error(caller.Hold())
			}
			if err := say(caller); err != nil || caller.Hold() != Released {
				t.Error(err, caller.Hold())
			}
		})
	}
}

// A CONTINUED that can't be sent releases nothing.
func TestHeldWhereTheConnectionHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := plainCall
		m.Flags = wire.CallConfirm
		caller, callee, worker := begin(t, m)
		callee.SetBridged()
		go callee.Accept(wire.Started{})
		want(t, caller, wire.TypeAccepted)
		worker.Close()
		if _, _, err := caller.Answer(); err == nil || caller.Hold() != Held {
			t.Errorf("%v, %v", err, caller.Hold())
		}
	})
}

// The CONTINUED of a caller that stopped before it saw ACCEPTED is for the
// process.
func TestStoppedBeforeAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := plainCall
		m.Flags = wire.CallAnnounce
		caller, callee, worker := begin(t, m)
		events := hear(worker, callee)
		if err := caller.Stopped(); err != nil {
			t.Fatal(err)
		}
		go func() { _ = callee.Announce(t.Context(), wire.Started{}) }()
		if typ, _, err := readFrame(caller.conn); err != nil || typ != wire.TypeAccepted {
			t.Fatal(typ, err)
		}
		if err := caller.Continued(); err != nil {
			t.Fatal(err)
		}
		for _, kind := range []EventKind{Stopped, Continued} {
			if e := <-events; e.Kind != kind {
				t.Errorf("%+v, want %v", e, kind)
			}
		}
	})
}

// A bridged caller answers STARTED, by HEARTBEAT if it has nothing else to say.
func TestStartedIsAnswered(t *testing.T) {
	for _, r := range []struct {
		name    string
		bridged bool
		say     func(*Caller) error
		want    []wire.Type
	}{
		{"bridged", true, nil, []wire.Type{wire.TypeHeartbeat}},
		{"bridged, with a word", true, func(c *Caller) error { return c.Signal(syscall.SIGUSR1, false) }, []wire.Type{wire.TypeSignal}},
		{"direct", false, nil, nil},
	} {
		t.Run(r.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				caller, callee, worker := begin(t, plainCall)
				if r.bridged {
					callee.SetBridged()
				}
				go callee.Start(wire.Started{})
				want(t, caller, wire.TypeStarted)
				var got []wire.Type
				go func() {
					for {
						typ, _, err := readFrame(worker)
						if err != nil {
							return
						}
						got = append(got, typ)
					}
				}()
				if r.say != nil {
					if err := r.say(caller); err != nil {
						t.Error(err)
					}
				}
				time.Sleep(10 * time.Millisecond)
				synctest.Wait()
				if !slices.Equal(got, r.want) {
					t.Errorf("%v, want %v", got, r.want)
				}
			})
		})
	}
}

// A try has the time that SetPatience gives it.
func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := pair(t)
		caller := NewCaller(a, &plainCall)
		caller.SetPatience(3 * time.Second)
		began := time.Now()
		go func() { _ = caller.Send(nil) }()
		receive(t, b)
		if _, _, err := caller.Answer(); err == nil || time.Since(began) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
