package client

import (
	"context"
	"io"
	"os"
	"sync"
	"time"

	"rpcd/internal/door"
)

// Cmd is one call, being prepared or made: exec.Cmd of the other side. It
// can't be used again after Start.
type Cmd struct {
	Worker    string   // as on rpc's command line
	Procedure string   // name of an exports entry
	Args      []string // without the procedure's name
	Env       []string // NAME=VALUE, or NAME for our own value; nil: nothing crosses
	Dir       string   // on the worker; "": our own, if the worker has the same

	Stdin          io.Reader
	Stdout, Stderr io.Writer
	ExtraFiles     []*os.File // entry i is descriptor 3+i; nil: that number is closed

	// Cancel is called when the context of CommandContext ends; it is Kill
	// unless set. WaitDelay bounds how long Wait waits for pipes that another
	// process holds open. The time begins with the end of the context or of the
	// procedure. 0 means no bound.
	Cancel    func() error
	WaitDelay time.Duration

	Options

	ProcessState *ProcessState // after Wait, unless the status is unknown

	ctx          context.Context
	on           *Conn       // nil: a replica is chosen
	parentPipes  []io.Closer // ours, closed by Wait
	childFiles   []*os.File  // the procedure's, closed by Start
	copiers      []func() error
	copyErrors   chan error
	sources      []*os.File // what the copiers read: what WaitDelay closes
	started      bool
	startFailed  error
	finished     bool
	stopWatching chan struct{}

	sent         *door.Sent       // to go on with; see door.Cmd
	releaseFiles bool             // see door.Cmd
	instead      func(error) bool // see door.Cmd
	terminal     *door.Terminal

	mu  sync.Mutex
	now *call  // set once the call is being sent
	id  string // at the worker
}

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
