package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"rpcd/rpcd/wire"
)

// Cmd is one call, being prepared or made: exec.Cmd of the other side. It
// can't be used again after Start.
type Cmd struct {
	Worker    string   // as on rpc's command line
	Procedure string   // name of an exports entry
	Args      []string // without the procedure's name
	Env       []string // NAME=VALUE, or NAME for our own value; nil: nothing crosses
	Dir       string   // on the worker; "": our own, proven to be the same

	Stdin          io.Reader
	Stdout, Stderr io.Writer
	ExtraFiles     []*os.File // entry i is descriptor 3+i; only where descriptors can be passed

	// Cancel is called when the context of CommandContext ends; it is Kill
	// unless set. WaitDelay bounds, from then on and from the procedure's end
	// on, how long Wait waits for pipes that something else holds open (0: no
	// bound).
	Cancel    func() error
	WaitDelay time.Duration

	Options

	ProcessState *ProcessState // after Wait, unless the status is unknown

	ctx          context.Context
	parentPipes  []io.Closer // ours, closed by Wait
	childFiles   []*os.File  // theirs, closed by Start
	copiers      []func() error
	copyErrors   chan error
	sources      []*os.File // of the copiers: what WaitDelay closes
	started      bool
	startFailed  error
	finished     bool
	stopWatching chan struct{}

	mu  sync.Mutex
	now *call  // set once the call has been sent
	id  string // at the worker
}

// Options are what a local process has no need of. The zero value is rpc's
// default.
type Options struct {
	Pass      Pass          // which files travel as descriptors
	Timeout   time.Duration // how long the procedure may run; 0: as the worker says
	Patience  time.Duration // how long to try on while the worker is not there, draining or busy
	Heartbeat time.Duration // bridged: silence after which the other side is gone; 0: 30 s
	Label     string        // shown by the worker
	Umask     *uint32       // of the procedure; nil: this process's
	ServerUID *uint32       // refuse to call unless the socket's owner is this user
	Verbose   io.Writer     // gets one line before the start: replica, directory, streams
	// LetGo makes Start replace the descriptors of Stdin and Stdout (files both)
	// by /dev/null once the procedure has them, and at the end of a relayed
	// stream, so that others see it closed at once. For commands like rpc.
	LetGo bool
}

// Pass says which of the caller's files travel as descriptors.
type Pass int

// What is passed: all but terminals; only pipes and /dev/null; nothing.
const (
	PassAll Pass = iota
	PassPipes
	PassNone
)

// Command prepares a call.
func Command(worker, procedure string, args ...string) *Cmd {
	return &Cmd{Worker: worker, Procedure: procedure, Args: args}
}

// CommandContext prepares a call that ends when ctx does: see Cmd.Cancel.
func CommandContext(ctx context.Context, worker, procedure string, args ...string) *Cmd {
	if ctx == nil {
		panic("nil Context")
	}
	c := Command(worker, procedure, args...)
	c.ctx = ctx
	return c
}

// Run is Start and Wait.
func (c *Cmd) Run() error {
	if err := c.Start(); err != nil {
		return err
	}
	return c.Wait()
}

// Output runs the call and gives its stdout. An *ExitError holds the end of
// its stderr, if Stderr was nil.
func (c *Cmd) Output() ([]byte, error) {
	if c.Stdout != nil {
		return nil, errors.New("client: Stdout already set")
	}
	var stdout bytes.Buffer
	var stderr tail
	c.Stdout = &stdout
	collect := c.Stderr == nil
	if collect {
		c.Stderr = &stderr
	}
	err := c.Run()
	var exit *ExitError
	if collect && errors.As(err, &exit) {
		exit.Stderr = stderr.last()
	}
	return stdout.Bytes(), err
}

// tail keeps the last bytes, where a program says why it ends.
type tail []byte

const tailSize = 32 << 10

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	if len(*t) > 4*tailSize { // not at each write
		*t = append((*t)[:0], t.last()...)
	}
	return len(p), nil
}

func (t *tail) last() []byte { return (*t)[max(0, len(*t)-tailSize):] }

// CombinedOutput runs the call and gives its stdout and stderr as one.
func (c *Cmd) CombinedOutput() ([]byte, error) {
	if c.Stdout != nil || c.Stderr != nil {
		return nil, errors.New("client: Stdout or Stderr already set")
	}
	var b bytes.Buffer
	c.Stdout, c.Stderr = &b, &b
	err := c.Run()
	return b.Bytes(), err
}

// StdinPipe gives a pipe to the procedure's stdin. Wait closes it.
func (c *Cmd) StdinPipe() (io.WriteCloser, error) {
	if c.Stdin != nil {
		return nil, errors.New("client: Stdin already set")
	}
	r, w, err := c.pipe()
	if err != nil {
		return nil, err
	}
	c.Stdin = r
	c.childFiles, c.parentPipes = append(c.childFiles, r), append(c.parentPipes, w)
	return w, nil
}

// StdoutPipe gives a pipe from the procedure's stdout. Wait closes it: read it
// to its end first.
func (c *Cmd) StdoutPipe() (io.ReadCloser, error) {
	if c.Stdout != nil {
		return nil, errors.New("client: Stdout already set")
	}
	return c.outputPipe(&c.Stdout)
}

// StderrPipe is StdoutPipe of stderr.
func (c *Cmd) StderrPipe() (io.ReadCloser, error) {
	if c.Stderr != nil {
		return nil, errors.New("client: Stderr already set")
	}
	return c.outputPipe(&c.Stderr)
}

func (c *Cmd) outputPipe(to *io.Writer) (io.ReadCloser, error) {
	r, w, err := c.pipe()
	if err != nil {
		return nil, err
	}
	*to = w
	c.childFiles, c.parentPipes = append(c.childFiles, w), append(c.parentPipes, r)
	return r, nil
}

func (c *Cmd) pipe() (r, w *os.File, err error) {
	if c.started {
		return nil, nil, errors.New("client: pipe after the call has started")
	}
	return os.Pipe()
}

// ID gives the call's id at the worker, "" before Start.
func (c *Cmd) ID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id
}

func (c *Cmd) setID(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.id = id
}

// Relays says, after Start, whether bytes of the call go through this process.
func (c *Cmd) Relays() bool {
	k := c.current()
	return k != nil && (k.in != nil || len(k.ins) > 0)
}

func (c *Cmd) current() *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *Cmd) setCurrent(k *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = k
}

// ErrNotRunning says that there is no call to signal.
var ErrNotRunning = os.ErrProcessDone

// Signal sends sig (1-31) to the procedure's process group. While the call
// waits in the queue it cancels the call. The error is ErrNotRunning before
// the call was sent and after its end.
func (c *Cmd) Signal(sig syscall.Signal) error { return c.signal(sig, 0) }

// Kill sends SIGKILL.
func (c *Cmd) Kill() error { return c.Signal(syscall.SIGKILL) }

// Abandon says that the caller leaves now: the group is killed without grace.
func (c *Cmd) Abandon(sig syscall.Signal) error { return c.signal(sig, wire.SignalAbandon) }

func (c *Cmd) signal(sig syscall.Signal, flags uint16) error {
	if err := checkSignal(sig); err != nil {
		return err
	}
	k := c.current()
	if k == nil {
		return ErrNotRunning
	}
	err := k.tell(wire.Signal(uint8(sig), flags))
	switch sig {
	case syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGKILL: // the caller wants to go
		k.hurried()
	}
	return err
}

// checkSignal refuses what a worker would close the connection for.
func checkSignal(sig syscall.Signal) error {
	if sig < 1 || sig > wire.MaxSignal {
		return fmt.Errorf("client: cannot send signal %d: it is 1 to %d", int(sig), wire.MaxSignal)
	}
	return nil
}

// Stopped says that this process is about to stop: the group stops, and
// silence means nothing until Continued.
func (c *Cmd) Stopped() error {
	if k := c.current(); k != nil {
		k.listen(false) // nobody will read
	}
	return c.tell(wire.Frame(wire.TypeStopped, 0, 0, nil))
}

// Continued ends Stopped.
func (c *Cmd) Continued() error {
	if k := c.current(); k != nil {
		k.listen(true)
	}
	return c.tell(wire.Frame(wire.TypeContinued, 0, 0, nil))
}

func (c *Cmd) tell(frame []byte) error {
	k := c.current()
	if k == nil {
		return ErrNotRunning
	}
	return k.tell(frame)
}
