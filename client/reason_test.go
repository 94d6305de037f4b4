package client

import (
	"syscall"
	"testing"
	"time"

	"rpcd/rpcd/wire"
)

// The line that says who or what ended a procedure.
func TestExplain(t *testing.T) {
	for _, c := range []struct {
		exit wire.Exit
		ran  time.Duration
		want string
	}{
		{wire.Exit{Status: 15}, 0, ""},
		{wire.Exit{Status: 15, Flags: wire.ExitTimeout}, time.Second, `w: a time limit ended "slow" after 1.0s`},
		{wire.Exit{Status: 15, End: wire.End{Reason: wire.WorkerTimeout, Limit: 2 * time.Second}}, 2004 * time.Millisecond, `w's own limit of 2s ended "slow" after 2.0s`},
		{wire.Exit{Status: 15, End: wire.End{Reason: wire.CallerTimeout, Limit: 90 * time.Minute}}, 90*time.Minute + 3e8, `w: your limit of 90m (--timeout) ended "slow" after 1h30m0s`},
		{wire.Exit{Status: 15, End: wire.End{Reason: wire.CallerTimeout, Limit: 300 * time.Millisecond}}, 3e8, `w: your limit of 300ms (--timeout) ended "slow" after 0.3s`},
		{wire.Exit{Status: 15, End: wire.End{Reason: wire.Drain, Limit: 4 * time.Second}}, 12345 * time.Millisecond, `w stopped, and ended "slow" after 12.3s (drain of 4s ran out)`},
		{wire.Exit{Status: 9, End: wire.End{Reason: wire.Drain}}, time.Second, `w stopped, and ended "slow" after 1.0s`},
		{wire.Exit{Status: 15, End: wire.End{Reason: wire.ByKill}}, 3 * time.Second, `rpc kill (uid 0) ended "slow" with TERM after 3.0s`},
		{wire.Exit{Status: 0x700, End: wire.End{Reason: wire.ByKill, By: 1001}}, 3 * time.Second, `rpc kill (uid 1001) ended "slow" after 3.0s`},
		{wire.Exit{Status: 9, End: wire.End{Reason: wire.ByKill, By: NoUID}}, 3 * time.Second, `rpc kill ended "slow" with KILL after 3.0s`},
		{wire.Exit{Status: 9, End: wire.End{Reason: wire.OutOfMemory}}, time.Second, `w ran out of memory, and its kernel ended "slow" after 1.0s (raise its limit, or run fewer calls at once)`},
		{wire.Exit{Status: 9, End: wire.End{Reason: wire.CallerLeft}}, time.Second, `w took its caller for gone, and ended "slow" after 1.0s`},
		{wire.Exit{Status: 9, End: wire.End{Reason: "eclipse\n"}}, time.Second, `w ended "slow" after 1.0s (eclipse?)`},
	} {
		s := &ProcessState{exit: c.exit, worker: "w", procedure: "slow", ran: c.ran}
		if got := s.Explain(); got != c.want {
			t.Errorf("%+v:\n%s, want\n%s", c.exit, got, c.want)
		}
	}
}

// A call that somebody else kills says so, and one that its caller kills doesn't.
func TestReasonKill(t *testing.T) {
	uid := uint32(syscall.Getuid())
	each(t, func(t *testing.T, worker string, _ bool) {
		for _, byKill := range []bool{true, false} {
			c := Command(worker, "sleep", "1000")
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			if byKill {
				if err := Kill(t.Context(), worker, c.ID(), syscall.SIGTERM, time.Minute); err != nil {
					t.Fatal(err)
				}
			} else if err := c.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			err := c.Wait()
			s := c.ProcessState
			switch {
			case s == nil || err == nil:
				t.Errorf("%v, %v", s, err)
			case byKill && (s.Reason() != ReasonKill || s.By() != uid || err.Error() != "signal: terminated: "+s.Explain()):
				t.Errorf("%q by %d: %v", s.Reason(), s.By(), err)
			case !byKill && (s.Reason() != "" || s.By() != NoUID || err.Error() != "signal: terminated"):
				t.Errorf("%q by %d: %v", s.Reason(), s.By(), err)
			}
		}
	})
}
