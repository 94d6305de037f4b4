package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rpcd/internal/rig"
)

// pair is a process of Python that asks, with one that answers, which it has
// started itself or which is our worker's. It measures itself when it is told to
// (python/turns.py), so that no start is in the figures.
type pair struct {
	st  *stage
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	log string
}

// pairEnd is how long a pair may take to end when its questions have ended. Then it
// is killed.
const pairEnd = 5 * time.Second

// newPair starts argv. The stage's close ends it.
func newPair(st *stage, env, argv []string) (*pair, error) {
	log, err := os.CreateTemp(st.folder, "pair-*.log")
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Stderr = env, log
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := rig.StartTied(cmd, syscall.SIGTERM); err != nil {
		return nil, err
	}
	q := &pair{st, cmd, in, bufio.NewReader(out), log.Name()}
	// By TERM it removes its shared memory and ends the other process.
	stop := context.AfterFunc(st.ctx, func() { _ = syscall.Kill(cmd.Process.Pid, syscall.SIGTERM) })
	st.later(func() {
		in.Close()
		late := time.AfterFunc(pairEnd, q.kill)
		_ = cmd.Wait()
		late.Stop()
		stop()
	})
	return q, nil
}

// kill ends both processes, which are a process group.
func (q *pair) kill() { _ = syscall.Kill(-q.cmd.Process.Pid, syscall.SIGKILL) }

// rate has the pair exchange frames of so many bytes for some time, and gives how
// many came back a second.
func (q *pair) rate(size int, during time.Duration) (float64, error) {
	answer, err := q.ask(fmt.Sprintf("%d %g", size, during.Seconds()))
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(answer, 64)
}

// ask gives the answer to a line, which is a line.
func (q *pair) ask(question string) (string, error) {
	late := time.AfterFunc(stallLimit, q.kill)
	defer late.Stop()
	_, err := fmt.Fprintln(q.in, question)
	var line string
	if err == nil {
		line, err = q.out.ReadString('\n')
	}
	if err != nil {
		return "", fmt.Errorf("%w%s", err, lastLine(q.log))
	}
	return strings.TrimSpace(line), nil
}
