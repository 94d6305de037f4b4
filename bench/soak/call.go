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

// route is the way on which a call reaches its worker.
type route string

const (
	passed  route = "passed"
	relayed route = "relayed"
	bridged route = "bridged"
)

// call is the plan of one call, and later also what its caller saw.
type call struct {
	spec
	route     route
	worker    int  // index into the stage's workers
	waitsLong bool // has a --wait that is longer than any fault
	inFile    bool // stdin is a file, else a pipe
	outFile   bool // stdout is a file, else a pipe
	victim    bool // its caller is killed
	stopped   bool // its caller is stopped for a while, in the case of a victim before the kill
	when      time.Duration
	toSignal  syscall.Signal // the signal that its caller gets once the procedure is ready

	began, ended time.Time
	wait         syscall.WaitStatus // of rpc
	said         *statusLine        // nil if rpc wrote no status line
	stdout       *checker
	stderr       *checker
	words        []byte // the end of stderr
	held         bool   // another process held the output open after rpc's end
	hung         bool   // rpc didn't end within hangLimit and was killed
	failure      error  // of soak itself
}

// statusLine is the line that rpc writes for --status-fd.
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
	hangLimit     = 90 * time.Second // for one call, more than any fault can cost it
	holdLimit     = 20 * time.Second // from rpc's end until no process holds its output open
)

// expect prepares the comparison of stdout and stderr with what the procedure
// writes.
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

// make makes the call and waits for its end. Every wait in it has a limit.
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

// streams gives cmd its stdin and stdout. The caller calls done after cmd's end.
// done closes the streams, compares the content of an output file, and removes
// the files.
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

// disturb stops, kills or signals the caller as the plan says. It returns at the
// latest when the call is over.
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
		case <-time.After(longWait): // a victim is killed even if it isn't ready
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

// stderrOf keeps the end of a call's stderr, which holds rpc's line if rpc failed, or if
// something else ended the procedure. That line behind the procedure's own bytes isn't
// compared with these.
type stderrOf struct{ c *call }

// wordsMost is how many bytes of stderr a stderrOf keeps.
const wordsMost = 300

func (s *stderrOf) Write(p []byte) (int, error) {
	s.c.words = append(s.c.words, p[max(0, len(p)-wordsMost):]...)
	s.c.words = s.c.words[max(0, len(s.c.words)-wordsMost):]
	own := p[min(int64(len(p)), s.c.stderr.left):]
	if !bytes.HasPrefix(own, []byte("rpc: ")) {
		own = nil
	}
	_, _ = s.c.stderr.Write(p[:len(p)-len(own)])
	return len(p), nil
}

// ownWords gives rpc's own line on stderr, or "" if there is none.
func (c *call) ownWords() string {
	i := bytes.LastIndex(c.words, []byte("rpc: "))
	if i < 0 {
		return ""
	}
	return strings.TrimSpace(string(c.words[i:]))
}
