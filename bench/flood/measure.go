package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"

	"rpcd/internal/proc"
	"rpcd/internal/rig"
)

// figures are the measurements of one flood. Latencies are in seconds. The
// neighbour is a second rpcd, which nobody floods: its calls show how much slower
// the busy processors alone make a call.
type figures struct {
	attack                *attack
	quiet, under          []float64
	neighbour             []float64
	refused, failed       int     // ordinary calls that were refused, and that failed otherwise
	flooderCPU, rpcdCPU   float64 // share of one core during the flood
	tally                 tally
	before, after, height proc.Usage
}

// warmCalls is the number of calls before the first look at rpcd. By then it has
// its threads and buffers.
const warmCalls = 64

func measure(ctx context.Context, o options, a *attack) (*figures, error) {
	folder, err := os.MkdirTemp("", "rpcd-flood-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	target, err := startWorker(o, folder, "target")
	if err != nil {
		return nil, err
	}
	defer target.Stop()
	other, err := startWorker(o, folder, "neighbour")
	if err != nil {
		return nil, err
	}
	defer other.Stop()
	s := &sampler{ctx: ctx, rpc: o.RPC}
	if err := s.warm(target.socket, warmCalls); err != nil {
		return nil, err
	}
	f := &figures{attack: a}
	if f.before, err = target.idle(); err != nil {
		return nil, err
	}
	for range o.rounds {
		quiet, _ := s.both(o.phase/2, target, other)
		f.quiet = append(f.quiet, quiet.took...)
		if err := f.flooded(s, o.phase, target, other); err != nil {
			return nil, err
		}
		if f.after, err = target.settled(f.before); err != nil {
			return nil, err
		}
		if ctx.Err() != nil {
			return nil, rig.ErrInterrupted
		}
	}
	return f, s.warm(target.socket, 1) // fails if the worker no longer serves
}

// flooded runs one flood, and samples both workers during it.
func (f *figures) flooded(s *sampler, phase time.Duration, target, other *worker) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(s.ctx, self, "-attack", f.attack.name, "-socket", target.socket)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	began, used := time.Now(), proc.CPUTime(target.PID())
	if err := rig.StartTied(cmd, syscall.SIGKILL); err != nil {
		return err
	}
	said := bufio.NewReader(stdout)
	if _, err := said.ReadString('\n'); err != nil {
		return errors.Join(fmt.Errorf("the flooder isn't ready: %w", err), cmd.Wait())
	}
	under, beside := s.both(phase, target, other)
	height, err := proc.Look(target.PID())
	if err != nil {
		return err
	}
	_ = stdin.Close()
	text, _ := io.ReadAll(said)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("the flooder: %w", err)
	}
	var t tally
	if err := json.Unmarshal(text, &t); err != nil {
		return fmt.Errorf("the flooder's tally: %w", err)
	}
	wall := time.Since(began).Seconds()
	cpu := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	f.flooderCPU, f.rpcdCPU = cpu.Seconds()/wall, (proc.CPUTime(target.PID())-used).Seconds()/wall
	f.tally.add(t)
	f.under = append(f.under, under.took...)
	f.neighbour = append(f.neighbour, beside.took...)
	f.refused += under.refused
	f.failed += under.failed
	if height.Descriptors > f.height.Descriptors {
		f.height = height
	}
	return nil
}
