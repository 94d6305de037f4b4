package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"rpcd/internal/proc"
	"rpcd/internal/rig"
)

// The steady worker runs from the first call to the last, so that its leaks add
// up. The fickle worker is restarted at times. Both have a bridge.
const (
	steady = iota
	fickle
	workers
)

var workerNames = [workers]string{"steady", "fickle"}

// stage has the workers, the bridges and their folders. run holds the sockets, tmp
// is the TMPDIR of all processes, and data is the directory of the callers. In
// the end run and tmp must be empty; logs and data may keep files.
type stage struct {
	options               options
	folder                string
	run, tmp, logs, data  string
	env                   []string
	daemons               [workers]*rig.Process
	bridges               [workers]*rig.Bridge
	incarnations          [workers]int
	exports, ledger, work string
	strangers             *strangers
	groups                []string // of ended daemons, which strangers kept
}

// Environment variables by which soak finds processes again: those of this run,
// and those of one start of one daemon.
const (
	runVariable  = "SOAK_RUN"
	lifeVariable = "SOAK_LIFE"
)

func newStage(o options) (st *stage, err error) {
	folder, err := os.MkdirTemp("", "rpcd-soak-")
	if err != nil {
		return nil, err
	}
	st = &stage{options: o, folder: folder}
	defer func() {
		if err != nil {
			st.close()
		}
	}()
	if err := os.Chmod(folder, 0o755); err != nil {
		return nil, err
	}
	for _, sub := range []struct {
		path *string
		name string
	}{{&st.run, "run"}, {&st.tmp, "tmp"}, {&st.logs, "logs"}, {&st.data, "data"}} {
		*sub.path = filepath.Join(folder, sub.name)
		if err := os.Mkdir(*sub.path, 0o755); err != nil {
			return nil, err
		}
	}
	st.ledger, st.work, st.exports = filepath.Join(folder, ledgerName), filepath.Join(folder, procedureName), filepath.Join(folder, "exports")
	st.env = append(rig.Environment(), "TMPDIR="+st.tmp, runVariable+"="+folder)
	if err := os.WriteFile(st.ledger, nil, 0o644); err != nil {
		return nil, err
	}
	if err := copySelf(st.work); err != nil {
		return nil, err
	}
	if err := rig.Export(st.exports, st.work); err != nil {
		return nil, err
	}
	st.strangers = newStrangers(st)
	for w := range workers {
		if err := st.serve(w); err != nil {
			return nil, err
		}
		if err := st.bridge(w); err != nil {
			return nil, err
		}
	}
	return st, nil
}

func copySelf(to string) error {
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer self.Close()
	file, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, self); err != nil {
		return err
	}
	return file.Close()
}

func (st *stage) workerSocket(w int) string { return filepath.Join(st.run, workerNames[w]+".sock") }

// socket gives the path to which a call connects.
func (st *stage) socket(c *call) string {
	if c.route == bridged {
		return filepath.Join(st.run, workerNames[c.worker]+"-bridge.sock")
	}
	return st.workerSocket(c.worker)
}

// life gives the variable, with its value, of all processes since the last start
// of a worker's daemon.
func (st *stage) life(w int) string {
	return fmt.Sprintf("%s=%s/%s/%d", lifeVariable, st.folder, workerNames[w], st.incarnations[w])
}

// starter gives a rig.Starter for servers of this run. more are variables that
// callers don't have.
func (st *stage) starter(more ...string) rig.Starter {
	return rig.Starter{Folder: st.logs, Env: append(slices.Clip(st.env), more...)}
}

// serve starts a worker's daemon.
func (st *stage) serve(w int) (err error) {
	st.incarnations[w]++
	st.daemons[w], err = st.starter(st.life(w)).Serve(st.options.RPCD, st.workerSocket(w),
		"--exports", st.exports, "--drain", drainTime.String(), "--grace", graceTime.String())
	return err
}

// bridge starts a worker's bridge.
func (st *stage) bridge(w int) (err error) {
	st.bridges[w], err = st.starter().Bridge(filepath.Join(st.run, workerNames[w]+"-bridge.sock"), st.workerSocket(w))
	return err
}

// stop ends bridges and daemons, in that order.
func (st *stage) stop() {
	for _, b := range st.bridges {
		if b != nil {
			b.Stop()
		}
	}
	for _, d := range st.daemons {
		if d != nil {
			d.Stop()
		}
	}
}

// close ends all and removes all files, unless they are to be kept.
func (st *stage) close() {
	st.stop()
	kill(proc.WithVariable(runVariable + "=" + st.folder))
	if st.options.keep {
		fmt.Fprintln(os.Stderr, "soak: kept", st.folder)
		return
	}
	os.RemoveAll(st.folder)
}

// ready makes a call over every route to every worker. It returns the first
// error.
func (st *stage) ready(ctx context.Context, ids func() int) error {
	for w := range workers {
		for _, r := range []route{passed, relayed, bridged} {
			c := &call{spec: spec{id: ids(), kind: plain, status: 7, in: 100, out: 100, err: 100}, worker: w, route: r}
			if c.make(ctx, st); c.failure != nil {
				return c.failure
			}
			if c.said == nil || !c.expected() {
				return fmt.Errorf("a first call to %s, %s, ends with %s: %s", workerNames[w], r, c.outcome(), c.words)
			}
		}
	}
	return nil
}
