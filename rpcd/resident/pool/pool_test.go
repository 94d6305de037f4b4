package pool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/internal/proc"
	"rpcd/internal/stubborn"
	"rpcd/internal/testkit"
	"rpcd/rpcd/child"
	"rpcd/rpcd/export"
	"rpcd/rpcd/limit"
	"rpcd/rpcd/run"
	"rpcd/rpcd/wire"
)

// A call gets its arguments behind the worker's own, its directory, umask and
// variables, and its status is the handler's. The process is the same each time.
func TestCalls(t *testing.T) {
	w := start(t, "serve", 1)
	if got := w.ask("say", "a", "", "b c"); got != "a  b c" {
		t.Errorf("it wrote %q", got)
	}
	if got := w.ask("state"); got != "/ 0027 / hugin " {
		t.Errorf("the call has %q", got)
	}
	if status, _ := w.begin("exit", "7").end(); status.Wait != 7<<8 {
		t.Errorf("status %+v", status)
	}
	if a, b := w.ask("pid"), w.ask("pid"); a != b {
		t.Errorf("worker %s, then %s", a, b)
	}
	if status, _ := w.begin("panic").end(); status.Wait != 2<<8 {
		t.Errorf("a handler that panics: %+v", status)
	}
	if m := w.Workers(w.rules); m != (wire.Workers{Wanted: 1, Warm: 1}) {
		t.Errorf("workers %+v", m)
	}
}

// Calls that come before a worker is ready wait. One that may not wait is refused
// as busy, one that waits too long likewise, and one whose caller leaves ends.
// fault: 143
func TestCallsWaitForAWorker(t *testing.T) {
	go_ := filepath.Join(testkit.Folder(t), "go")
	w := start(t, "loading "+go_, 1, times(Times{First: testkit.Limit, Pause: time.Millisecond}))
	var full *limit.FullError
	if _, err := w.try(t.Context(), 0, "pid"); !errors.As(err, &full) || !strings.Contains(full.Behind, "workers of \"p\" (0 of 1 ready)") {
		t.Errorf("a call that may not wait: %v", err)
	}
	if _, err := w.try(t.Context(), time.Millisecond, "pid"); !errors.As(err, &full) || full.Waited == 0 {
		t.Errorf("a call that waits for a moment: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	if _, err := w.try(ctx, testkit.Limit, "pid"); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that leaves: %v", err)
	}
	answer := make(chan string)
	go func() { answer <- w.ask("say", "it") }()
	if err := os.WriteFile(go_, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := <-answer; got != "it" {
		t.Errorf("the call that waited wrote %q", got)
	}
}

// What isn't a resident worker is told so to the calls that wait, with what to do.
// fault: 144
func TestProgramsThatAreNone(t *testing.T) {
	for behaviour, words := range map[string]string{
		"mute":     "run said nothing to rpcd: it has to call resident.serve, or remove the file workers",
		"ends":     "run ended with status 3 before it was ready: it has to call resident.serve, or remove the file workers",
		"explains": "run ended with status 1 before it was ready, and said last \"ModuleNotFoundError: No module named 'x'\"",
		"closes":   "run closed its socket before it was ready: it has to call resident.serve, or remove the file workers",
		"garbage":  "run broke the protocol before it was ready: protocol error: unknown frame type 104",
		"future":   "run speaks version 99 of the protocol, rpcd version 1: use one release",
	} {
		patience := Times{First: testkit.Limit, Silence: testkit.Limit, Pause: testkit.Limit}
		if behaviour == "mute" {
			patience.First, patience.Silence = 300*time.Millisecond, 400*time.Millisecond
		}
		w := start(t, behaviour, 2, times(patience))
		_, err := w.try(t.Context(), testkit.Limit, "pid")
		var unfit *Error
		if !errors.As(err, &unfit) || err.Error() != words {
			t.Errorf("%s: %v\nwant %s", behaviour, err, words)
		}
		if _, again := w.try(t.Context(), testkit.Limit, "pid"); !errors.As(again, &unfit) {
			t.Errorf("%s, the next call: %v", behaviour, again)
		}
		testkit.Eventually(t, "the end of both", func() bool { return w.log.count("WARN", "failed") == 2 })
		if m := w.Workers(w.rules); !strings.Contains(m.Trouble, words) || !strings.Contains(m.Trouble, "the next starts in") || m.Warm != 0 {
			t.Errorf("%s: %+v", behaviour, m)
		}
	}
	w := start(t, "serve", 1, rules(func(p *export.Procedure) { p.Path = "/none/such" }))
	if _, err := w.try(t.Context(), testkit.Limit, "pid"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("a program that is missing: %v", err)
	}
}

// A worker that says its first word late has had the calls told so. It serves then.
// fault: 144
func TestLateWorker(t *testing.T) {
	ready := filepath.Join(testkit.Folder(t), "go")
	w := start(t, "late "+ready, 1, times(Times{First: 100 * time.Millisecond, Silence: time.Hour}))
	var unfit *Error
	if _, err := w.try(t.Context(), testkit.Limit, "pid"); !errors.As(err, &unfit) {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(ready, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "a worker", func() bool { return w.Workers(w.rules).Warm == 1 })
	w.ask("pid")
	if m := w.Workers(w.rules); m != (wire.Workers{Wanted: 1, Warm: 1}) {
		t.Errorf("%+v", m)
	}
}

// A call is told of signals: those that end it, and others. STOP and CONT are sent
// to the process.
// fault: 145
func TestSignals(t *testing.T) {
	w := start(t, "serve", 1)
	for _, sig := range []syscall.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGQUIT} {
		c := w.begin("until-canceled")
		c.line()
		c.Signal(sig)
		if status, _ := c.end(); !isSignal(status, sig) {
			t.Errorf("%v: %+v", sig, status)
		}
	}
	c := w.begin("signal")
	c.line()
	c.Signal(unix.SIGUSR1)
	if _, out := c.end(); out != unix.SIGUSR1.String() {
		t.Errorf("the handler got %q", out)
	}
	c.Signal(unix.SIGTERM) // it is over: nobody gets that
	c = w.begin("until-canceled")
	pid, _ := strconv.Atoi(c.line())
	c.Signal(unix.SIGSTOP)
	testkit.Eventually(t, "a stopped worker", func() bool { return proc.State(pid) == 'T' })
	c.SignalAll(unix.SIGTERM, unix.SIGCONT)
	if status, _ := c.end(); !isSignal(status, unix.SIGTERM) {
		t.Errorf("one that was stopped: %+v", status)
	}
	if got := w.ask("pid"); got != strconv.Itoa(pid) {
		t.Errorf("worker %s now, %d before", got, pid)
	}
}

// A worker that doesn't end its call is killed with it and replaced at once. That is
// no failure of the worker's, so no start waits.
// fault: 146
func TestWorkerThatNeverAnswers(t *testing.T) {
	w := start(t, "serve", 1, times(Times{Pause: time.Hour, MostPause: time.Hour}))
	c := w.begin("hang")
	pid := c.line()
	c.SignalAll(unix.SIGTERM, unix.SIGCONT)
	c.SignalAll(unix.SIGKILL)
	if status, _ := c.end(); !isSignal(status, unix.SIGKILL) {
		t.Errorf("%+v", status)
	}
	if got := w.ask("pid"); got == pid {
		t.Error("the same worker serves on")
	}
	if m := w.Workers(w.rules); m.Restarts != 1 || m.Trouble != "" {
		t.Errorf("%+v", m)
	}
}

// A crash fails its call alone, and the next one has a worker again.
// fault: 147
func TestCrash(t *testing.T) {
	w := start(t, "serve", 2)
	other := w.begin("until-canceled")
	other.line()
	w.wantCrash(w.begin("crash"), "lost its resident worker in the middle of the call", "it ended with status 3")
	w.wantCrash(w.begin("killed"), "it ended by SIGKILL")
	w.ask("pid")
	other.Signal(unix.SIGINT)
	if status, _ := other.end(); !isSignal(status, unix.SIGINT) {
		t.Errorf("the other call: %+v", status)
	}
	testkit.Eventually(t, "two workers", func() bool { return w.Workers(w.rules).Warm == 2 })
	if m := w.Workers(w.rules); m.Restarts != 2 || m.Busy != 0 {
		t.Errorf("%+v", m)
	}
}

// 100 crashes in a row: the pauses grow up to their limit, ls says so, and the first
// call that is answered ends the row.
// fault: 148
func TestCrashesInARow(t *testing.T) {
	w := start(t, "serve", 1)
	for i := range 100 {
		w.wantCrash(w.begin("crash"))
		testkit.Eventually(t, "the log's line", func() bool { return w.log.count("WARN", "in_a_row"+strconv.Itoa(i+1)) == 1 })
	}
	testkit.Eventually(t, "a worker", func() bool { return w.Workers(w.rules).Warm == 1 })
	if m := w.Workers(w.rules); m.Restarts != 100 || !strings.HasPrefix(m.Trouble, "100 failed in a row: it ended with status 3") {
		t.Errorf("%+v", m)
	}
	w.ask("pid")
	if m := w.Workers(w.rules); m.Trouble != "" {
		t.Errorf("%+v", m)
	}
}

// The pauses between starts are 0.1 s, doubled by each failure in a row, 10 s at most.
// fault: 148
func TestPauses(t *testing.T) {
	p := &pool{set: New(Config{})}
	want := []time.Duration{100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000}
	for i, d := range want {
		p.failures = i + 1
		if got := p.pause(); got != d*time.Millisecond {
			t.Errorf("failure %d: %v", i+1, got)
		}
	}
	p.failures = 1 << 30
	if got := p.pause(); got != 10*time.Second {
		t.Errorf("%v", got)
	}
}

// What a worker prints is lines in the log. A flood of them is cut, and stalls
// nothing.
// fault: 149
func TestPrintedLines(t *testing.T) {
	w := start(t, "serve", 1)
	if out := w.ask("print"); out != "" {
		t.Errorf("the call's stdout has %q", out)
	}
	testkit.Eventually(t, "the line in the log", func() bool { return w.log.count("a resident worker says", "a stray line") == 1 })
	w.wantCrash(w.begin("last-words"))
	testkit.Eventually(t, "the last words", func() bool { return w.log.count("a resident worker says", "farewell") == 1 })
	w.ask("flood")
	w.wantCrash(w.begin("crash")) // what it printed is read to its end
	testkit.Eventually(t, "the end of the flood", func() bool { return w.log.count("left_out") > 0 })
	if n := w.log.count("a resident worker says"); n < linesAtOnce || n > linesAtOnce+500 {
		t.Errorf("%d lines of 5000 are logged", n)
	}
}

// A worker that forks: the child holds the socket and the log's pipe, and holds up
// neither a status nor the end.
// fault: 150
func TestWorkerThatForks(t *testing.T) {
	w := start(t, "serve", 1, grace(time.Hour))
	left, _ := strconv.Atoi(w.ask("fork"))
	w.ask("pid")
	w.wantCrash(w.begin("crash"), "it ended with status 3")
	w.ask("pid")
	if !proc.Alive(left) {
		t.Error("what was forked is gone before its grace")
	}
	w.Close()
	testkit.Eventually(t, "the end of what was forked", func() bool { return !proc.Alive(left) })
}

// A worker that closes its socket, in a call or between two, is replaced.
// fault: 151
func TestWorkerThatClosesItsSocket(t *testing.T) {
	w := start(t, "raw hangs-up", 1)
	w.wantCrash(w.begin("x"), "it closed its socket")
	w.wantCrash(w.begin("x"), "it closed its socket")
}

// A worker that answers what it wasn't asked, or another call, is replaced, and no
// call takes the answer for its own.
// fault: 152
func TestAnswersThatAreNone(t *testing.T) {
	for behaviour, words := range map[string]string{
		"another":       "EXIT of call",
		"another-start": "STARTED of call",
		"nameless":      `EXIT of call ""`,
		"exit-first":    "a EXIT frame instead of an answer",
		"data":          "protocol error",
	} {
		w := start(t, "raw "+behaviour, 1)
		w.wantCrash(w.begin("x"), words)
	}
	w := start(t, "raw twice", 1)
	for range 3 { // each on a worker of its own
		if status, _ := w.begin("x").end(); status.Wait != 0 || status.Crash != "" {
			t.Errorf("%+v", status)
		}
	}
	testkit.Eventually(t, "the log's lines", func() bool { return w.log.count("WARN", "it sent bytes between two calls") >= 2 })
	w = start(t, "noisy", 1, times(Times{Pause: testkit.Limit}))
	testkit.Eventually(t, "its replacement", func() bool { return w.Workers(w.rules).Trouble != "" })
}

// A worker that takes no call is killed, and the call goes to another. With a worker
// that ends instead it is likewise: nothing was started.
// fault: 153
func TestUnbegunCallsGoToAnother(t *testing.T) {
	for _, behaviour := range []string{"deaf", "raw drops"} {
		w := start(t, behaviour, 1, times(Times{First: 200 * time.Millisecond, Pause: time.Millisecond}))
		began := make(chan error)
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			var late *Error
			err := error(&Error{})
			for errors.As(err, &late) { // a worker that isn't ready within First
				_, err = w.try(ctx, testkit.Limit, "pid")
			}
			began <- err
		}()
		testkit.Eventually(t, "three workers that failed", func() bool { return w.log.count("WARN") >= 3 })
		cancel()
		if err := <-began; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", behaviour, err)
		}
	}
}

// A worker that refuses a call is as warm as before. Its words reach the caller.
func TestRefusals(t *testing.T) {
	w := start(t, "raw refuses", 1, times(Times{Pause: testkit.Limit}))
	for range 2 {
		_, err := w.try(t.Context(), testkit.Limit, "x")
		var refused *wire.Refused
		if !errors.As(err, &refused) || refused.Code != wire.NoDirectory || refused.Text != "can't" {
			t.Errorf("%v", err)
		}
	}
	w = start(t, "raw refuses-nameless", 1)
	c := w.begin("x")
	w.wantCrash(c, "REFUSED without the call's id")
}

// max-uses, max-rss and changed rules replace workers between calls, one after the
// other.
// fault: 154
func TestReplacement(t *testing.T) {
	w := start(t, "serve", 1, rules(func(p *export.Procedure) { p.MaxUses = 3 }))
	var pids []string
	for range 7 {
		pids = append(pids, w.ask("pid"))
	}
	if pids[0] != pids[2] || pids[2] == pids[3] || pids[3] != pids[5] || pids[5] == pids[6] {
		t.Errorf("max-uses 3: %q", pids)
	}
	w = start(t, "serve", 1, rules(func(p *export.Procedure) { p.MaxRSS = 60 }))
	first := w.ask("pid")
	if second := w.ask("grow"); second != first || w.ask("pid") == first {
		t.Errorf("max-rss: the worker that grew is %s, and serves on", second)
	}
	w = start(t, "serve", 2)
	testkit.Eventually(t, "two workers", func() bool { return w.Workers(w.rules).Warm == 2 })
	busy := w.begin("until-canceled")
	old := busy.line()
	changed := *w.rules
	changed.Set = []string{"A=1"}
	w.rules = &changed
	w.For(w.rules) // the idle one goes
	testkit.Eventually(t, "the log's line", func() bool { return w.log.count("replace", "has changed") == 1 })
	testkit.Eventually(t, "the new one", func() bool { return w.Workers(w.rules).Warm == 2 })
	if w.log.count("replace") != 1 {
		t.Error("the one with a call was replaced, too")
	}
	busy.Signal(unix.SIGTERM)
	busy.end()
	testkit.Eventually(t, "the other's replacement", func() bool { return w.log.count("replace", "has changed") == 2 })
	if w.ask("pid") == old {
		t.Error("the old worker serves on")
	}
	if w.log.count("WARN") > 0 || w.Workers(w.rules).Restarts != 0 {
		t.Errorf("a replacement counts as a failure: %q", w.log.list)
	}
}

// A new run that is broken replaces no more than one worker: the others serve on.
// fault: 154
func TestBrokenReplacement(t *testing.T) {
	w := start(t, "serve", 3, times(Times{Pause: testkit.Limit}))
	testkit.Eventually(t, "three workers", func() bool { return w.Workers(w.rules).Warm == 3 })
	broken := *w.rules
	broken.Args = []string{"ends"}
	w.rules = &broken
	w.For(w.rules)
	testkit.Eventually(t, "the failure", func() bool { return w.log.count("WARN") == 1 })
	for range 10 {
		w.ask("pid")
	}
	if m := w.Workers(w.rules); m.Warm != 2 {
		t.Errorf("%+v", m)
	}
}

// Fewer and more workers, and none, come with the rules.
func TestNumberOfWorkers(t *testing.T) {
	w := start(t, "serve", 1)
	for _, n := range []int{3, 2, 5} {
		r := *w.rules
		r.Workers = n
		w.rules = &r
		w.For(w.rules)
		testkit.Eventually(t, fmt.Sprint(n, " workers"), func() bool { return w.Workers(w.rules).Warm == uint32(n) })
	}
	var others []*running
	for range 5 {
		others = append(others, w.begin("until-canceled"))
	}
	waits := make(chan error, 1)
	r := *w.rules
	w.rules = &r
	go func() {
		_, err := w.For(&r).Start(w.t.Context(), run.Job{Argv: []string{"p"}, Env: []string{"RPC_CALL_ID=x"}, Wait: testkit.Limit})
		waits <- err
	}()
	testkit.Eventually(t, "a call that waits", func() bool { return w.Pools.waiting("p") == 1 })
	w.Forget("p")
	var full *limit.FullError
	if err := <-waits; !errors.As(err, &full) || full.Behind != `"p" was changed just now` {
		t.Errorf("the call that waited: %v", err)
	}
	for _, c := range others {
		c.line()
		c.Signal(unix.SIGTERM)
		c.end()
	}
	testkit.Eventually(t, "the end of all", func() bool { return w.Leftovers() == 0 })
	if m := w.Workers(w.rules); m.Warm != 0 {
		t.Errorf("%+v", m)
	}
}

// Drain ends idle workers, lets a call end, and refuses the others. What ignores the
// end gets KILL after the grace.
// fault: 155
func TestDrain(t *testing.T) {
	w := start(t, "serve", 2)
	c := w.begin("until-canceled")
	c.line()
	w.Drain()
	if _, err := w.try(t.Context(), testkit.Limit, "pid"); !errors.Is(err, limit.ErrClosed) {
		t.Errorf("a call that comes: %v", err)
	}
	testkit.Eventually(t, "the end of the idle one", func() bool { return w.Leftovers() == 0 })
	c.Signal(unix.SIGINT)
	if status, _ := c.end(); !isSignal(status, unix.SIGINT) {
		t.Errorf("the call that ran: %+v", status)
	}
	testkit.Eventually(t, "the end of the other", func() bool { return w.Leftovers() == 0 })
	w = start(t, "deaf", 1, grace(time.Millisecond))
	testkit.Eventually(t, "a worker", func() bool { return w.Workers(w.rules).Warm == 1 })
	w.Drain()
	testkit.Eventually(t, "its end", func() bool { return w.Leftovers() == 0 })
}

// Of 16 calls on 2 workers one is canceled. The other 15 are answered right.
// fault: 156
func TestCancelOfOneAmongMany(t *testing.T) {
	w := start(t, "serve", 2)
	one := w.begin("until-canceled")
	pid := one.line()
	var wg sync.WaitGroup
	for caller := range 15 {
		wg.Go(func() {
			if got := w.ask("say", strconv.Itoa(caller)); got != strconv.Itoa(caller) {
				t.Errorf("%q, want %d", got, caller)
			}
			if caller == 7 {
				one.Signal(unix.SIGINT)
			}
		})
	}
	wg.Wait()
	if status, _ := one.end(); !isSignal(status, unix.SIGINT) {
		t.Errorf("the canceled one: %+v", status)
	}
	if m := w.Workers(w.rules); m != (wire.Workers{Wanted: 2, Warm: 2}) || !proc.Alive(must(strconv.Atoi(pid))) {
		t.Errorf("%+v", m)
	}
}

func must(n int, _ error) int { return n }

// Too many descriptors, arguments over the frame's bound and another user are
// refused before a worker has the call.
func TestCallsThatCannotBe(t *testing.T) {
	w := start(t, "serve", 1)
	job := func(edit func(*run.Job)) run.Job {
		j := run.Job{Argv: []string{"p"}, Env: []string{"RPC_CALL_ID=1"}}
		edit(&j)
		return j
	}
	for what, c := range map[string]struct {
		job  run.Job
		code wire.Code
	}{
		"253 descriptors": {job(func(j *run.Job) { j.Files = make([]int, 253) }), wire.Protocol},
		"262,145 words":   {job(func(j *run.Job) { j.Argv = append(j.Argv, make([]string, wire.MaxWords)...) }), wire.TooLong},
		"7 MiB":           {job(func(j *run.Job) { j.Argv = append(j.Argv, strings.Repeat("x", 7<<20)) }), wire.TooLong},
		"another user":    {job(func(j *run.Job) { j.As = &child.Credential{UID: 1} }), wire.Denied},
	} {
		_, err := w.For(w.rules).Start(t.Context(), c.job)
		var refused *wire.Refused
		if !errors.As(err, &refused) || refused.Code != c.code {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// A worker hangs as it enters the call's directory, and doesn't even die. A caller that
// leaves isn't held up.
// fault: 159
func TestWorkerThatHangs(t *testing.T) {
	fs := testkit.NewFileSystem(t)
	dir, err := unix.Open(fs.Dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(dir)
	w := start(t, "serve", 1, times(Times{First: 5 * time.Second, Pause: time.Millisecond}))
	w.ask("pid")
	defer fs.Answer()
	fs.Hang(stubborn.RequestAccess)
	ctx, leave := context.WithCancel(t.Context())
	began := make(chan error, 1)
	go func() {
		_, err := w.For(w.rules).Start(ctx, run.Job{Argv: []string{"p"}, Env: []string{"RPC_CALL_ID=1"}, Dir: dir, Wait: testkit.Limit})
		began <- err
	}()
	fs.Hung(t, 1)
	leave()
	testkit.Within(t, "the call's end", func() {
		if err := <-began; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// A call that runs keeps none of its words: up to 7 MiB, which are no longer counted.
func TestRunningCallKeepsNothing(t *testing.T) {
	w := start(t, "serve", 1)
	c := w.begin("until-canceled")
	c.line()
	if m := c.Process.(*call).Call; m.Args != nil || m.Env != nil || m.Streams != nil {
		t.Errorf("%+v is kept", m)
	}
	c.Signal(unix.SIGTERM)
	c.end()
}

// 1,000 calls of 16 callers on 2 workers are all answered right. Nothing is left.
// fault: 156
func TestManyCalls(t *testing.T) {
	w := start(t, "serve", 2)
	testkit.Eventually(t, "two workers", func() bool { return w.Workers(w.rules).Warm == 2 })
	files := descriptors(t)
	var wg sync.WaitGroup
	for caller := range 16 {
		wg.Go(func() {
			for i := range 1000 / 16 {
				word := fmt.Sprint(caller, " ", i)
				if got := w.ask("say", word); got != word {
					t.Errorf("%q, want %q", got, word)
				}
			}
		})
	}
	wg.Wait()
	if m := w.Workers(w.rules); m != (wire.Workers{Wanted: 2, Warm: 2}) {
		t.Errorf("%+v", m)
	}
	if now := descriptors(t); now > files {
		t.Errorf("%d descriptors, before %d", now, files)
	}
}
