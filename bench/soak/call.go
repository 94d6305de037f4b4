package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// route is how a call reaches its worker.
type route string

const (
	passed  route = "passed"
	relayed route = "relayed"
	bridged route = "bridged"
)

// call is one call, and then what its caller saw of it.
type call struct {
	spec
	route     route
	worker    int  // index of the stage's workers
	waitsLong bool // with a --wait that is longer than any fault
	inFile    bool // stdin is a file, else a pipe
	outFile   bool // stdout is a file
	victim    bool // its caller is killed
	stopped   bool // its caller is stopped for a while; a victim, before it is killed
	when      time.Duration
	toSignal  syscall.Signal // to its caller, once it is ready

	began, ended time.Time
	wait         syscall.WaitStatus // rpc's own
	said         *statusLine        // nil: it said nothing
	stdout       *checker
	stderr       *checker
	words        []byte // the end of stderr
	held         bool   // something held its output open after rpc's end
	hung         bool   // rpc had to be killed: it didn't end
	failure      error  // of the soak itself
}

// statusLine is what --status-fd says.
type statusLine struct {
	Outcome string
	Started bool
	Status  int
	Signal  string
	Call    string
}

const (
	overtimeLimit = 500 * time.Millisecond
	longWait      = 30 * time.Second
	hangLimit     = 90 * time.Second // for one call, whatever happens to it
	holdLimit     = 20 * time.Second // after rpc's end, until nobody holds its output
)

// expect prepares the comparison with the bytes that the procedure writes.
func (c *call) expect() {
	out, prefix := c.out, ""
	switch c.kind {
	case overtime, dies, hold:
		out, prefix = 0, ready
	case signaled:
		prefix = ready
	}
	errs := c.err
	if c.kind == overtime || c.kind == dies || c.kind == hold {
		errs = 0
	}
	c.stdout, c.stderr = newChecker(prefix, c.bytes(1, out), out), newChecker("", c.bytes(2, errs), errs)
}

// argv is the command line of rpc.
func (c *call) argv(rpc, socket string) []string {
	argv := []string{rpc, "--status-fd", "3", "--label", "soak-" + strconv.Itoa(c.id)}
	if c.route == relayed {
		argv = append(argv, "--pass", "none")
	}
	if c.waitsLong {
		argv = append(argv, "--wait", longWait.String())
	}
	if c.kind == overtime {
		argv = append(argv, "--timeout", overtimeLimit.String())
	}
	procedure := procedureName
	if c.kind == unknown {
		procedure = "nothing-of-that-name"
	}
	return append(append(argv, socket, procedure), c.args()...)
}

// make makes the call and waits for its end, bounded on every path.
func (c *call) make(ctx context.Context, st *stage) {
	ctx, cancel := context.WithTimeout(ctx, hangLimit)
	defer cancel()
	c.expect()
	report, reported, err := os.Pipe()
	if err != nil {
		c.failure = err
		return
	}
	defer report.Close()
	argv := c.argv(st.options.RPC, st.socket(c))
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = st.data, st.env, holdLimit
	cmd.ExtraFiles = []*os.File{reported}
	said := &stderrOf{c: c}
	cmd.Stderr = said
	done, err := c.streams(cmd, st)
	if err == nil {
		c.began = time.Now()
		err = cmd.Start()
	}
	reported.Close()
	if err != nil {
		c.failure = err
		return
	}
	over := make(chan struct{})
	go c.disturb(cmd.Process, over)
	err = cmd.Wait()
	close(over)
	c.ended = time.Now()
	c.held = errors.Is(err, exec.ErrWaitDelay)
	c.hung = ctx.Err() != nil
	c.wait = cmd.ProcessState.Sys().(syscall.WaitStatus)
	c.failure = done()
	var line statusLine
	if text, _ := io.ReadAll(report); json.Unmarshal(text, &line) == nil {
		c.said = &line
	}
}

// streams gives cmd its stdin and stdout. done, called after its end, closes
// and removes what was made, and compares a file with what shall be in it.
func (c *call) streams(cmd *exec.Cmd, st *stage) (done func() error, err error) {
	in := c.bytes(0, c.in)
	var inFile, outFile *os.File
	if c.inFile {
		if inFile, err = os.Create(filepath.Join(st.data, strconv.Itoa(c.id)+".in")); err != nil {
			return nil, err
		}
		if _, err = io.Copy(inFile, in); err == nil {
			_, err = inFile.Seek(0, io.SeekStart)
		}
		cmd.Stdin = inFile
	} else if c.in > 0 {
		cmd.Stdin = in
	}
	cmd.Stdout = c.stdout
	if err == nil && c.outFile {
		outFile, err = os.Create(filepath.Join(st.data, strconv.Itoa(c.id)+".out"))
		cmd.Stdout = outFile
	}
	return func() (err error) {
		if outFile != nil {
			if _, err = outFile.Seek(0, io.SeekStart); err == nil {
				_, err = io.Copy(c.stdout, outFile)
			}
		}
		for _, file := range []*os.File{inFile, outFile} {
			if file != nil {
				file.Close()
				os.Remove(file.Name())
			}
		}
		return err
	}, err
}

// disturb does to the caller what the plan says, until the call is over.
func (c *call) disturb(p *os.Process, over chan struct{}) {
	wait := func(d time.Duration) bool {
		select {
		case <-over:
			return false
		case <-time.After(d):
			return true
		}
	}
	if c.toSignal != 0 || c.kind == hold {
		select {
		case <-over:
			return
		case <-c.stdout.first:
		case <-time.After(longWait): // a victim is killed anyhow
		}
	}
	if c.toSignal != 0 && !c.victim {
		_ = p.Signal(c.toSignal)
		return
	}
	if !c.victim && !c.stopped || !wait(c.when) {
		return
	}
	if c.stopped {
		_ = p.Signal(syscall.SIGSTOP)
		_ = wait(c.when * 4)
	}
	if c.victim {
		_ = p.Kill()
	} else {
		_ = p.Signal(syscall.SIGCONT)
	}
}

// stderrOf keeps the end of stderr, where rpc's own line stands when it failed.
type stderrOf struct{ c *call }

// wordsMost is how many bytes of it are kept.
const wordsMost = 300

func (s *stderrOf) Write(p []byte) (int, error) {
	s.c.words = append(s.c.words, p[max(0, len(p)-wordsMost):]...)
	s.c.words = s.c.words[max(0, len(s.c.words)-wordsMost):]
	return s.c.stderr.Write(p)
}

// ownWords is rpc's line on stderr, or nothing.
func (c *call) ownWords() string {
	i := bytes.LastIndex(c.words, []byte("rpc: "))
	if i < 0 {
		return ""
	}
	return strings.TrimSpace(string(c.words[i:]))
}
