package starter

import (
	"errors"
	"fmt"
	"os"
	"sync/atomic"
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
	request int      // eventfd(2), which the process reads
	done    *os.File // eventfd(2), which it writes
	doneFD  int
	life    *life // nil: no process
	one     uint64
}

// life is that of one process of a helper.
type life struct {
	a     Attempt
	poll  unix.PollFd // for a request
	read  uint64      // the request
	waits *step       // for the next job
	toJob *step       // a jump to the job
	job   []step      // for the garbage collector, as keep is
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

// wake is what an eventfd takes.
var wake = [8]byte{1}

// Unmade is the result of a call that hasn't returned. It may have begun.
const Unmade = -4096

// ErrGone says that the process of a helper has ended before all calls were made.
var ErrGone = errors.New("the helping process has ended")

// alarmSet is a sigset_t of ALRM alone, whose default action ends the process.
var alarmSet = [signalSetSize]byte{(unix.SIGALRM - 1) / 8: 1 << ((unix.SIGALRM - 1) % 8)}

// NewHelper makes a helper, still without a process. The error is ErrUnsupported, or
// eventfd(2)'s.
func NewHelper() (*Helper, error) {
	if !Supported {
		return nil, ErrUnsupported
	}
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
	l := &life{job: job, keep: keep, over: make(chan struct{}), poll: unix.PollFd{Fd: int32(h.request), Events: unix.POLLIN}}
	p := &l.a.plan
	p.steps = make([]step, 0, 7) // their addresses stay the same
	p.add(helping, unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL))
	p.add(helping, unix.SYS_RT_SIGACTION, uintptr(unix.SIGALRM), address(&defaultAction), 0, signalSetSize)
	p.add(helping, unix.SYS_RT_SIGPROCMASK, unix.SIG_UNBLOCK, address(&alarmSet), 0, signalSetSize)
	p.add(helping, jump, address(&job[0]))
	l.waits = p.add(helping, unix.SYS_PPOLL, address(&l.poll), 1, 0, 0, signalSetSize)
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
	for {
		var b [8]byte
		_, err := h.done.Read(b[:])
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

// Stay has the process end after that of pidfd, which may be this one. No job may
// follow. The error is Do's.
func (h *Helper) Stay(pidfd int) error {
	if err := h.Do([]Call{{Number: unix.SYS_PRCTL, Args: [6]uintptr{unix.PR_SET_PDEATHSIG, 0}}}); err != nil {
		return err
	}
	poll := &unix.PollFd{Fd: int32(pidfd), Events: unix.POLLIN}
	job := &plan{}
	job.add(helping, unix.SYS_PPOLL, address(poll), 1, 0, 0, signalSetSize)
	job.add(helping, unix.SYS_EXIT_GROUP, 0)
	job.add(helping, jump) // for give
	h.give(job.steps, []any{poll})
	return nil
}

// Rest ends the process of a helper that has no job, and waits for its end.
func (h *Helper) Rest() {
	if h.life == nil {
		return
	}
	job := &plan{}
	job.add(helping, unix.SYS_EXIT_GROUP, 0)
	if l := h.life; !l.ended.Load() {
		l.job, l.toJob.args[0] = job.steps, address(&job.steps[0])
		_, _ = unix.Write(h.request, wake[:])
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
