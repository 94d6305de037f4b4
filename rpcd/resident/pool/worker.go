package pool

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/child"
	"rpcd/rpcd/export"
	"rpcd/rpcd/fdconn"
	"rpcd/rpcd/talk"
	"rpcd/rpcd/wire"
)

const (
	// endTime is how long a worker has to end when rpcd has closed its socket,
	// before it gets TERM.
	endTime = time.Second
	// closeTime is how long a process whose socket is closed may live on before it
	// counts as one that has closed it. The kernel closes a process's descriptors
	// before it reports the end.
	closeTime = 500 * time.Millisecond
)

// residentFD is the worker's descriptor of its socket, behind its stdio.
const residentFD = 3

// worker is one process. run is its life, and has a goroutine of its own.
type worker struct {
	pool  *pool
	rules *export.Procedure
	made  making

	started chan struct{} // closed: what follows is set, or the process couldn't be started
	child   *child.Child
	fd      *fdconn.Conn
	br      *bufio.Reader // over fd
	conn    *talk.Conn    // over br
	lines   *os.File      // what it prints
	borrows bool          // it takes loans; set by awaitReady
	notes   loanNotes     // of its loans; for the one who has taken the worker, and run

	died chan struct{} // closed: what follows is set
	end  unix.WaitStatus
	oom  bool // the kernel has killed it for want of memory

	killed bool // with its call, by a signal that was for that

	uses    int       // calls; for the one who has taken the worker
	leaving sync.Once // for count
	retired atomic.Bool

	mu     sync.Mutex
	said   string // the last line that it printed and that was logged
	call   *call  // that runs; nil: none
	broken error  // why rpcd has killed it; nil: rpcd hasn't
	ended  bool   // close was called
}

// newWorker makes a worker of what its pool says now; p.mu is held.
func newWorker(p *pool) *worker {
	return &worker{pool: p, rules: p.rules, made: p.made, started: make(chan struct{}), died: make(chan struct{})}
}

// pid is 0 before the start.
func (w *worker) pid() int {
	select {
	case <-w.started:
		if w.child != nil {
			return w.child.PID()
		}
	default:
	}
	return 0
}

// run starts the process, waits until it is ready, and then until its end.
func (w *worker) run() {
	err := w.start()
	close(w.started)
	if err != nil {
		w.count()
		w.pool.lost(w, unstarted(err), true)
		w.pool.set.count(-1)
		return
	}
	go w.watch()
	lines := make(chan struct{})
	go func() { defer close(lines); w.log() }()
	if err := w.awaitReady(); err != nil && !w.retired.Load() {
		ended := w.endedBySelf()
		if ended != "" {
			await(lines)
		}
		why := unready(err, ended, w.lastWords())
		w.breakOff(why)
		<-w.died
		w.count()
		w.pool.lost(w, why, true)
	} else {
		if err == nil {
			w.pool.ready(w)
		}
		<-w.died
		w.count()
		w.pool.lost(w, w.why(), false)
	}
	w.child.End(time.Now().Add(w.pool.set.Grace), w.pool.set.hurry)
	w.close()
	await(lines)
	_ = w.lines.Close()
	<-lines
	w.pool.set.count(-1)
}

// await waits until what an ended worker has printed is read: what has left its session
// may hold the pipe.
func await(lines <-chan struct{}) {
	select {
	case <-lines:
	case <-time.After(closeTime):
	}
}

// close closes the socket of a worker that has ended. One with a call leaves that to
// the call, which may have more to read: there and in the notes.
func (w *worker) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended = true; w.call == nil {
		w.fd.Close()
		w.notes.close()
	}
}

// count counts the worker as one that is being ended.
func (w *worker) count() { w.leaving.Do(func() { w.pool.set.count(1) }) }

// start starts the process. It closes what it opens if that fails.
func (w *worker) start() error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	defer unix.Close(pair[1])
	if w.fd, err = fdconn.Adopt(pair[0]); err != nil {
		return err
	}
	w.fd.IgnoreRoom()
	if err := w.spawn(pair[1]); err != nil {
		w.fd.Close()
		return err
	}
	w.br = bufio.NewReader(w.fd)
	w.conn = talk.NewConn(socket{w.fd, w.br})
	return nil
}

// socket is a connection that is read through a buffer.
type socket struct {
	*fdconn.Conn
	br *bufio.Reader
}

func (s socket) Read(p []byte) (int, error) { return s.br.Read(p) }

// umask is a worker's own; each call brings the caller's.
const umask = 0o022

// spawn starts the process, which gets its end of the socket.
func (w *worker) spawn(theirs int) error {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		return os.NewSyscallError("pipe2", err)
	}
	defer unix.Close(pipe[1])
	_ = unix.SetNonblock(pipe[0], true) // for Go's poller
	lines := os.NewFile(uintptr(pipe[0]), "pipe")
	err := w.fork(theirs, pipe[1])
	if err != nil {
		lines.Close()
		return err
	}
	w.lines = lines
	return nil
}

func (w *worker) fork(theirs, printed int) (err error) {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(null)
	where := w.rules.Workdir
	if where == "" {
		where = "/"
	}
	dir, err := unix.Open(where, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &child.DirError{Err: err}
	}
	defer unix.Close(dir)
	w.child, err = child.Start(child.Spec{
		Path:  w.rules.Path,
		Argv:  append([]string{w.rules.Name}, w.rules.Args...),
		Env:   w.environ(),
		Dir:   dir,
		Umask: umask,
		Files: []int{null, printed, printed, theirs},

		Caller: uint32(os.Geteuid()),
	})
	return err
}

func (w *worker) environ() []string {
	base := slices.DeleteFunc(w.rules.BaseEnv(w.pool.set.Environ()), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return export.SetForEachCall(name) || name == "RPC_RESIDENT_FD"
	})
	return append(base, fmt.Sprintf("RPC_RESIDENT_FD=%d", residentFD), "RPC_WORKER="+w.pool.set.Worker, "RPC_PROCEDURE="+w.rules.Name)
}

// watch waits for the process's end, and has whoever reads its socket see that.
func (w *worker) watch() {
	status, err := w.child.Wait()
	w.end = unix.WaitStatus(status.Wait)
	if err != nil { // somebody else reaped it, which can't happen
		w.end = unix.WaitStatus(unix.SIGKILL)
	}
	w.mu.Lock()
	w.killed = w.call != nil && w.call.killed
	killed := w.killed || w.broken != nil
	w.mu.Unlock()
	w.oom = w.end.Signaled() && w.end.Signal() == unix.SIGKILL && !killed && w.child.OutOfMemory()
	close(w.died)
	w.fd.EndInput()
}

// awaitReady takes the first frames.
func (w *worker) awaitReady() error {
	limits := w.pool.set.Times
	w.conn.ExpectWithin(limits.First)
	if _, err := w.br.Peek(1); errors.Is(err, os.ErrDeadlineExceeded) {
		w.pool.silent(w, unready(err, "", ""))
		w.conn.ExpectWithin(limits.Silence - limits.First)
	}
	for {
		h, err := wire.ReadHeader(w.conn)
		if err != nil {
			return err
		}
		payload, err := wire.ReadPayload(w.conn, h)
		if err != nil {
			return err
		}
		switch h.Type {
		case wire.TypeHeartbeat:
			w.conn.BeginCall() // it takes the time that it takes
		case wire.TypeReady:
			w.conn.Rest(0)
			knows, err := wire.ParseReady(payload)
			w.borrows = knows&wire.ReadyBorrows != 0 && hasBarrier
			return err
		default:
			return fmt.Errorf("%w: a %v frame before READY", wire.ErrProtocol, h.Type)
		}
	}
}

// endedBySelf says how the process ended, if it did so by itself or is about to.
func (w *worker) endedBySelf() string {
	select {
	case <-w.died:
		return how(w.end)
	case <-time.After(closeTime):
		return ""
	}
}

// isQuiet says whether the worker waits for a call, as far as can be seen. It is
// for one without a call.
func (w *worker) isQuiet() bool { return w.br.Buffered() == 0 && w.fd.Quiet() }

// due says why the worker is to be replaced after its call; "": it isn't. p.mu is
// held.
func (w *worker) due() string {
	rules := w.pool.rules
	switch {
	case w.made != w.pool.made:
		return "run, args, env or workdir has changed"
	case rules.MaxUses > 0 && w.uses >= rules.MaxUses:
		return "max-uses"
	case rules.MaxRSS > 0 && residentMiB(w.pid()) > rules.MaxRSS:
		return "max-rss"
	}
	return ""
}

// residentMiB is the memory that a process has (statm, proc(5)); 0: not known.
func residentMiB(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	var all, resident int64
	if n, _ := fmt.Sscan(string(text), &all, &resident); n != 2 {
		return 0
	}
	return int(resident * int64(os.Getpagesize()) >> 20)
}

// breakOff kills the worker, for that reason. It doesn't wait.
func (w *worker) breakOff(why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken == nil {
		w.broken = why
	}
	w.child.Signal(unix.SIGKILL) // what else belongs to it ends with it: see run
}

// wasKilled says whether it was killed with its call, by a signal that was for
// that, or because the call didn't end.
func (w *worker) wasKilled() bool {
	select {
	case <-w.died:
		return w.killed && w.end.Signal() == unix.SIGKILL
	default:
		return false
	}
}

// why says why the worker has ended.
func (w *worker) why() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.broken != nil && w.end.Signal() == unix.SIGKILL: // else it has ended before that
		return w.broken
	case w.oom:
		return errors.New("the kernel ended it for want of memory")
	}
	return errors.New("it ended " + how(w.end))
}

// retire ends a worker without a call: it may end by itself, then gets TERM and
// CONT, and after the grace KILL. It doesn't wait.
func (w *worker) retire() {
	w.count()
	w.retired.Store(true)
	go func() {
		<-w.started
		if w.child == nil {
			return
		}
		w.fd.Close()
		if w.ends(endTime) {
			return
		}
		w.child.SignalAll(unix.SIGTERM, unix.SIGCONT)
		if !w.ends(w.pool.set.Grace) {
			w.child.SignalAll(unix.SIGKILL)
		}
	}()
}

// ends says whether the process ends within d, or before a hurry.
func (w *worker) ends(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-w.died:
		return true
	case <-w.pool.set.hurry:
		return false
	case <-timer.C:
		return false
	}
}

// idOf finds the call's id among its variables.
func idOf(env []string) string {
	for _, entry := range env {
		if id, ok := strings.CutPrefix(entry, "RPC_CALL_ID="); ok {
			return id
		}
	}
	return ""
}
