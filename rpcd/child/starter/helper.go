package starter

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Helper makes system calls in a process beside this one, one job after the other.
// The process has this one's memory and descriptors, so that what it opens or closes
// is opened or closed here. A call that hangs holds up that process alone, and this
// one can end meanwhile: the other ends with it.
//
// One goroutine uses a Helper at a time. There is a process from Do to Rest.
type Helper struct {
	// Late is called by Do where the calls take longer than LateAfter.
	Late func()

	request int      // eventfd(2), which the process reads
	done    *os.File // eventfd(2), which it writes
	doneFD  int
	life    *life // nil: no process
	one     uint64
}

// life is that of one process of a helper.
type life struct {
	a     Attempt
	poll  [2]unix.PollFd // for a request, or the end of this process
	read  uint64         // the request
	waits *step          // for the next job
	toJob *step          // a jump to the job
	job   []step         // for the garbage collector, as keep is
	keep  []any
	over  chan struct{}
	ended atomic.Bool // just before over is closed
	err   error       // of clone(2): there was no process
}

// Call is one system call of a job. Addresses among its arguments must be of a
// package's variables, or of what Do gets to keep.
type Call struct {
	Number uintptr
	Args   [6]uintptr
	Result int32 // what it gave, or a negated errno; Unmade
}

// LateAfter is how long the calls of a job take that don't hang.
const LateAfter = 100 * time.Millisecond

// What ps(1) shows for a helper, and for one that stays.
var (
	helperName   = [16]byte([]byte("rpcd helper\x00\x00\x00\x00\x00"))
	guardianName = [16]byte([]byte("rpcd guardian\x00\x00\x00"))
)

// wake is what an eventfd takes.
var wake = [8]byte{1}

// Unmade is the result of a call that hasn't returned. It may have begun.
const Unmade = -4096

// ErrGone says that the process of a helper has ended before all calls were made.
var ErrGone = errors.New("the helping process has ended")

// alarmSet is a sigset_t of ALRM alone, whose default action ends the process.
var alarmSet = [signalSetSize]byte{(unix.SIGALRM - 1) / 8: 1 << ((unix.SIGALRM - 1) % 8)}

// self is a pidfd of this process; -1, which poll(2) leaves out: before Linux 5.3.
var self = sync.OnceValue(func() int {
	fd, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return -1
	}
	return fd
})

// NewHelper makes a helper, still without a process. The error is ErrUnsupported, or
// eventfd(2)'s.
func NewHelper() (*Helper, error) {
	if !Supported {
		return nil, ErrUnsupported
	}
	self() // before strangers can take all descriptors
	h := &Helper{one: 1}
	for _, fd := range []*int{&h.request, &h.doneFD} {
		var err error
		if *fd, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
			if fd == &h.doneFD {
				unix.Close(h.request)
			}
			return nil, fmt.Errorf("make an eventfd: %w", err)
		}
	}
	h.done = os.NewFile(uintptr(h.doneFD), "eventfd")
	return h, nil
}

// begin begins the life of a process with a job. The process holds a thread of this
// one as long as it lives.
func (h *Helper) begin(job []step, keep []any) {
	var b [8]byte
	_, _ = unix.Read(h.request, b[:]) // what the process before hasn't read
	l := &life{job: job, keep: keep, over: make(chan struct{}), poll: [2]unix.PollFd{
		{Fd: int32(h.request), Events: unix.POLLIN}, {Fd: int32(self()), Events: unix.POLLIN},
	}}
	p := &l.a.plan
	p.steps = make([]step, 0, 8) // their addresses stay the same
	p.add(helping, unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL))
	p.add(helping, unix.SYS_PRCTL, unix.PR_SET_NAME, address(&helperName))
	p.add(helping, unix.SYS_RT_SIGACTION, uintptr(unix.SIGALRM), address(&defaultAction), 0, signalSetSize)
	p.add(helping, unix.SYS_RT_SIGPROCMASK, unix.SIG_UNBLOCK, address(&alarmSet), 0, signalSetSize)
	p.add(helping, jump, address(&job[0]))
	// This process may have been killed before the first step. Then there is no request
	// to read, which ends the other.
	l.waits = p.add(helping, unix.SYS_PPOLL, address(&l.poll), uintptr(len(l.poll)), 0, 0, signalSetSize)
	p.add(helping, unix.SYS_READ, uintptr(h.request), address(&l.read), unsafe.Sizeof(l.read))
	l.toJob = p.add(helping, jump)
	job[len(job)-1].args[0] = address(l.waits)
	h.life = l
	go l.live(h.doneFD)
}

func (l *life) live(done int) {
	defer close(l.over)
	l.err = masked(l.a.forkSharing)
	if l.err == nil {
		for {
			if _, err := unix.Wait4(l.a.PID(), nil, unix.WALL, nil); err != unix.EINTR {
				break
			}
		}
	}
	l.ended.Store(true)
	_, _ = unix.Write(done, wake[:])
}

// Do makes the calls and gives their results. It returns when all are made, which
// may be never. The error is ErrGone, after which some calls may be Unmade, or
// clone(2)'s: all are Unmade then. What keep points to stays where it is meanwhile.
func (h *Helper) Do(calls []Call, keep ...any) error {
	results := make([]int32, len(calls))
	job := &plan{steps: make([]step, 0, len(calls)+2)}
	for i, c := range calls {
		results[i] = Unmade
		s := job.add(helping, c.Number, c.Args[:]...)
		s.to, s.may = &results[i], 1
	}
	job.add(helping, unix.SYS_WRITE, uintptr(h.doneFD), address(&h.one), unsafe.Sizeof(h.one))
	job.add(helping, jump) // to where the process waits
	h.give(job.steps, keep)
	_ = h.done.SetReadDeadline(time.Now().Add(LateAfter))
	for {
		var b [8]byte
		_, err := h.done.Read(b[:])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			h.late()
			continue
		}
		made := true
		for i := range calls {
			calls[i].Result = atomic.LoadInt32(&results[i])
			made = made && calls[i].Result != Unmade
		}
		l := h.life
		switch {
		case made:
			return nil
		case l.ended.Load() && l.err != nil:
			return l.err
		case l.ended.Load():
			return ErrGone
		case err != nil:
			return err
		}
	}
}

// late is for a job that takes long. Somebody may have stopped the process (SIGSTOP).
func (h *Helper) late() {
	_ = h.done.SetReadDeadline(time.Now().Add(10 * LateAfter))
	if pid := h.life.a.PID(); pid > 0 && !h.life.ended.Load() {
		_ = unix.Kill(pid, unix.SIGCONT)
	}
	if h.Late != nil {
		h.Late()
	}
}

// give has the process do a job, or a new one where there is none.
func (h *Helper) give(job []step, keep []any) {
	if h.life == nil || h.life.ended.Load() {
		h.begin(job, keep)
		return
	}
	l := h.life
	job[len(job)-1].args[0] = address(l.waits)
	l.job, l.keep, l.toJob.args[0] = job, keep, address(&job[0])
	_, _ = unix.Write(h.request, wake[:])
}

// Stay has the process stay when this one ends, and make the calls of a will then:
// pidfd is this one's. So a process that hangs in a job, and keeps this one's
// descriptors, doesn't keep others from noticing the end. Only Rest may follow. The
// error is Do's.
func (h *Helper) Stay(pidfd int, will *Will) error {
	if err := h.Do([]Call{
		{Number: unix.SYS_PRCTL, Args: [6]uintptr{unix.PR_SET_PDEATHSIG, 0}},
		{Number: unix.SYS_PRCTL, Args: [6]uintptr{unix.PR_SET_NAME, address(&guardianName)}},
	}); err != nil {
		return err
	}
	poll := &unix.PollFd{Fd: int32(pidfd), Events: unix.POLLIN}
	job := &plan{}
	job.add(helping, unix.SYS_PPOLL, address(poll), 1, 0, 0, signalSetSize)
	job.add(helping, jump, address(will.first()))
	job.add(helping, jump) // for give
	h.give(job.steps, []any{poll, will})
	return nil
}

// Rest ends the process of a helper that has no job or stays, and waits for its end.
func (h *Helper) Rest() {
	if h.life == nil {
		return
	}
	if pid := h.life.a.PID(); pid > 0 && !h.life.ended.Load() { // 0 would be our own process group
		_ = unix.Kill(pid, unix.SIGKILL) // also of one that somebody has stopped
	}
	<-h.life.over
	h.life = nil
}

// Close is Rest, and gives the helper's own descriptors back.
func (h *Helper) Close() {
	h.Rest()
	unix.Close(h.request)
	h.done.Close()
}
