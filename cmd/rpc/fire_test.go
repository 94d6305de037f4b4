package main_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
)

var (
	fireCalls = flag.Int("fire.calls", 400, "how many calls TestCallsUnderFire makes")
	fireSeed  = flag.Uint64("fire.seed", 1, "its seed")
)

// shot is a call, and what hits its rpc.
type shot struct {
	status  int // of the procedure
	ignores bool
	long    bool // the signal comes before the procedure's end
	signals []syscall.Signal
	after   []time.Duration // the start, or the signal before
}

// The procedures of shots. $1 is their status, and $2 how long they take.
const (
	shotScript     = `echo started; sleep "$2"; echo ended; exit "$1"`
	ignoringScript = `trap "" HUP INT QUIT TERM USR1 USR2; ` + shotScript
)

// reaching are the signals that reach a procedure, and deadly are others that end rpc.
// While Go's runtime starts, those of stacks end it with the runtime's stacks: a plain
// call needs no runtime.
var (
	reaching = []syscall.Signal{unix.SIGHUP, unix.SIGINT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2}
	deadly   = []syscall.Signal{unix.SIGKILL, unix.SIGALRM, unix.SIGPIPE, unix.SIGXCPU, unix.SIGVTALRM, unix.SIGIO, unix.SIGPWR, 50}
	stacks   = []syscall.Signal{unix.SIGABRT, unix.SIGSEGV, unix.SIGBUS, unix.SIGFPE, unix.SIGILL, unix.SIGTRAP, unix.SIGSYS, unix.SIGPROF, 34}
)

// makeShot makes one, for a plain call or any.
func makeShot(r *rand.Rand, plain bool) shot {
	reaching, deadly := reaching, deadly
	if plain {
		reaching, deadly = append(slices.Clone(reaching), unix.SIGQUIT), slices.Concat(deadly, stacks)
	}
	s := shot{status: r.IntN(100), ignores: r.IntN(2) == 0}
	add := func(longest time.Duration, sig syscall.Signal) {
		s.signals, s.after = append(s.signals, sig), append(s.after, time.Duration(r.Int64N(int64(longest))))
	}
	one := func(list []syscall.Signal) syscall.Signal { return list[r.IntN(len(list))] }
	const call = 16 * time.Millisecond
	switch r.IntN(8) {
	case 0:
		add(call, one(reaching))
	case 1, 2:
		s.long, s.ignores = true, false
		add(call, one(reaching))
	case 3:
		add(call, one(reaching))
		add(call/4, one(reaching))
	case 4:
		add(call, one(deadly))
	case 5, 6:
		add(call, []syscall.Signal{unix.SIGSTOP, unix.SIGTSTP}[r.IntN(2)])
		if r.IntN(2) == 0 {
			add(call/4, one(reaching))
		}
		add(call, unix.SIGCONT)
	}
	return s
}

// fire makes the call, and says what is wrong with its end; nil: nothing.
func (s shot) fire(w *world) error {
	script := shotScript
	if s.ignores {
		script = ignoringScript
	}
	takes := "0.004"
	if s.long {
		takes = "2"
	}
	cmd := w.rpc(w.socket, "sh", "-c", script, "sh", fmt.Sprint(s.status), takes)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // not orphaned: else TSTP stops nothing
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for i, sig := range s.signals {
		time.Sleep(s.after[i])
		_ = cmd.Process.Signal(sig)
	}
	var err error
	select {
	case err = <-ended:
	case <-time.After(testkit.Limit):
		_ = cmd.Process.Kill()
		return fmt.Errorf("it hangs: %q, %q", stdout.String(), stderr.String())
	}
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		return err
	}
	state := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return s.judge(state, stdout.String(), stderr.String())
}

// judge compares what rpc said with what the procedure had printed.
func (s shot) judge(state syscall.WaitStatus, stdout, stderr string) error {
	wrong := func(why string) error {
		return fmt.Errorf("%s: exit %d, signal %d, %q, %q", why, state.ExitStatus(), state.Signal(), stdout, stderr)
	}
	started, ended := strings.HasPrefix(stdout, "started\n"), stdout == "started\nended\n"
	isReaching := func(sig syscall.Signal) bool {
		return slices.Contains(reaching, sig) || sig == unix.SIGQUIT || sig == unix.SIGSTOP || sig == unix.SIGTSTP || sig == unix.SIGCONT
	}
	switch {
	case state.Exited() && (state.ExitStatus() != s.status || !ended || stderr != ""):
		return wrong("no such status was given")
	case s.long && state.Exited():
		return wrong("the signal is lost")
	case state.Signaled() && !slices.Contains(s.signals, state.Signal()):
		return wrong("no such signal was sent")
	case s.ignores && started && !state.Exited() && !slices.ContainsFunc(s.signals, func(sig syscall.Signal) bool { return !isReaching(sig) }):
		return wrong("the procedure ignored the signal")
	}
	return nil
}

// TestCallsUnderFire sends signals, stops and kills to rpc at random moments. No
// status is invented or lost, none hangs, and nothing is left. For more of them:
//
//	go test ./cmd/rpc -run TestCallsUnderFire/passed -timeout 0 -args -fire.seed 7 -fire.calls 100000
//
// fault: 166
func TestCallsUnderFire(t *testing.T) {
	for _, transport := range []string{"passed", "none"} {
		t.Run(transport, func(t *testing.T) { underFire(t, transport) })
	}
}

func underFire(t *testing.T, transport string) {
	w := startWorld(t, transport)
	plain := transport == "passed" && os.Getenv("RPCD_TEST_ENTRY") == ""
	before := w.idle(t)
	random := rand.New(rand.NewPCG(*fireSeed, 0))
	var all sync.WaitGroup
	var failures atomic.Int64
	shots := make(chan shot)
	for range 4 {
		all.Go(func() {
			for s := range shots {
				if err := s.fire(w); err != nil && failures.Add(1) <= 10 {
					t.Errorf("%+v: %v", s, err)
				}
			}
		})
	}
	for range *fireCalls {
		shots <- makeShot(random, plain)
	}
	close(shots)
	all.Wait()
	if n := failures.Load(); n > 0 {
		t.Errorf("%d of %d calls ended wrongly", n, *fireCalls)
	}
	w.restored(t, before)
}
