package cause

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// What ended a call, by what was done to it and how its process ended.
func TestJudge(t *testing.T) {
	const grace = 5 * time.Second
	began := time.Unix(1000, 0)
	exited := func(n int) syscall.WaitStatus { return syscall.WaitStatus(n << 8) }
	died := func(sig syscall.Signal) syscall.WaitStatus { return syscall.WaitStatus(sig) }
	begin := func(reason wire.EndReason, limit time.Duration) func(*Record) {
		return func(r *Record) { r.Begin(wire.End{Reason: reason, Limit: limit}) }
	}
	kill := func(sig syscall.Signal, by uint32) func(*Record) { return func(r *Record) { r.Kill(sig, by, began) } }
	byKill := func(by uint32) wire.End { return wire.End{Reason: wire.ByKill, By: by} }
	for _, c := range []struct {
		name   string
		done   []func(*Record)
		status syscall.WaitStatus
		after  time.Duration // it ended so long after the KILL
		memory bool          // the kernel killed a process of it for want of memory
		want   wire.End
	}{
		{name: "an end of its own", status: exited(0)},
		{name: "a failure of its own", status: exited(143)},
		{name: "a signal of its own, or of its caller", status: died(unix.SIGTERM)},
		{name: "KILL from outside", status: died(unix.SIGKILL)},

		{name: "a time limit", done: []func(*Record){begin(wire.WorkerTimeout, 2)}, status: exited(0), want: wire.End{Reason: wire.WorkerTimeout, Limit: 2}},
		{name: "a drain, and a limit in its grace", done: []func(*Record){begin(wire.Drain, 4), begin(wire.CallerTimeout, 2)}, status: died(unix.SIGKILL), want: wire.End{Reason: wire.Drain, Limit: 4}},
		{name: "a caller that left, and was killed then", done: []func(*Record){begin(wire.CallerLeft, 0), kill(unix.SIGKILL, 0)}, status: died(unix.SIGKILL), want: wire.End{Reason: wire.CallerLeft}},
		{name: "a KILL that it ignored, and a drain", done: []func(*Record){kill(unix.SIGTERM, 7), begin(wire.Drain, 4)}, status: died(unix.SIGKILL), want: wire.End{Reason: wire.Drain, Limit: 4}},

		{name: "KILL of root", done: []func(*Record){kill(unix.SIGKILL, 0)}, status: died(unix.SIGKILL), want: byKill(0)},
		{name: "USR1 that it died of", done: []func(*Record){kill(unix.SIGUSR1, 1001)}, status: died(unix.SIGUSR1), after: time.Hour, want: byKill(1001)},
		{name: "two that sent it", done: []func(*Record){kill(unix.SIGTERM, 1001), kill(unix.SIGKILL, 0)}, status: died(unix.SIGTERM), want: byKill(1001)},
		{name: "USR1 that it handled", done: []func(*Record){kill(unix.SIGUSR1, 1001)}, status: exited(0)},
		{name: "HUP that it handled", done: []func(*Record){kill(unix.SIGHUP, 1001)}, status: exited(1)},
		{name: "USR1, and another's TERM", done: []func(*Record){kill(unix.SIGUSR1, 1001)}, status: died(unix.SIGTERM)},
		{name: "TERM that it handled by its end", done: []func(*Record){kill(unix.SIGTERM, 1001)}, status: exited(0), after: grace, want: byKill(1001)},
		{name: "INT that it handled, with a status of its own", done: []func(*Record){kill(unix.SIGINT, 1001)}, status: exited(3), after: time.Second, want: byKill(1001)},
		{name: "TERM that it ignored", done: []func(*Record){kill(unix.SIGTERM, 1001)}, status: exited(0), after: grace + 1},
		{name: "TERM that its shell tells late", done: []func(*Record){kill(unix.SIGTERM, 1001)}, status: exited(143), after: time.Hour, want: byKill(1001)},
		{name: "HUP that its shell tells", done: []func(*Record){kill(unix.SIGHUP, 1001)}, status: exited(129), want: byKill(1001)},

		{name: "memory", status: died(unix.SIGKILL), memory: true, want: wire.End{Reason: wire.OutOfMemory}},
		{name: "memory of a shell's command", status: exited(137), memory: true, want: wire.End{Reason: wire.OutOfMemory}},
		{name: "memory of a process that it did without", status: exited(0), memory: true},
		{name: "KILL while another call ran out of memory", done: []func(*Record){kill(unix.SIGKILL, 0)}, status: died(unix.SIGKILL), memory: true, want: byKill(0)},
	} {
		var r Record
		for _, do := range c.done {
			do(&r)
		}
		if got := r.Judge(c.status, began.Add(c.after), grace, func() bool { return c.memory }); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// Who canceled a call that waited.
func TestCanceler(t *testing.T) {
	var r Record
	if by, ok := r.Canceler(); ok {
		t.Errorf("nobody sent a signal, but uid %d did", by)
	}
	r.Kill(unix.SIGSTOP, 1001, time.Time{})
	r.Kill(unix.SIGTERM, 0, time.Time{})
	if by, ok := r.Canceler(); by != 0 || !ok {
		t.Errorf("uid %d, %v", by, ok)
	}
}

// Whose time limit holds.
func TestLimit(t *testing.T) {
	callers := func(d time.Duration) wire.End { return wire.End{Reason: wire.CallerTimeout, Limit: d} }
	workers := func(d time.Duration) wire.End { return wire.End{Reason: wire.WorkerTimeout, Limit: d} }
	for _, c := range []struct {
		caller, procedure, serve time.Duration
		want                     wire.End
	}{
		{0, 0, 0, callers(0)},
		{3, 0, 0, callers(3)},
		{3, 4, 5, callers(3)},
		{3, 3, 5, callers(3)},
		{3, 2, 5, workers(2)},
		{3, 5, 2, workers(2)},
		{0, 5, 0, workers(5)},
		{0, 0, 5, workers(5)},
	} {
		if got := Limit(c.caller, c.procedure, c.serve); got != c.want {
			t.Errorf("%v: %+v, want %+v", c, got, c.want)
		}
	}
}

// What the log says of an end.
func TestWords(t *testing.T) {
	for _, c := range []struct {
		end  wire.End
		want []any
	}{
		{wire.End{}, nil},
		{wire.End{Reason: wire.CallerLeft}, []any{"reason", "caller-left"}},
		{wire.End{Reason: wire.ByKill}, []any{"reason", "kill", "by_uid", uint32(0)}},
	} {
		if got := Words(c.end); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.end, got, c.want)
		}
	}
}
