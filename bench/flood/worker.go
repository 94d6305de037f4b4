package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"rpcd/bench/rig"
)

// worker is one rpcd with the procedure true.
type worker struct {
	*rig.Daemon
	socket string
}

func startWorker(o options, folder, name string) (*worker, error) {
	exports := filepath.Join(folder, name+"-exports")
	if err := os.Mkdir(exports, 0o755); err != nil {
		return nil, err
	}
	if err := os.Symlink("/bin/true", filepath.Join(exports, "true")); err != nil {
		return nil, err
	}
	w := &worker{socket: filepath.Join(folder, name+".sock")}
	var err error
	if w.Daemon, err = rig.Start(folder, nil, o.rpcd, "serve", "--listen", w.socket, "--exports", exports); err != nil {
		return nil, err
	}
	return w, w.Ready(rig.Answers(w.socket))
}

// state is what rpcd holds.
type state struct {
	rig.Footprint
	children int
}

func (s state) String() string {
	return fmt.Sprintf("%d descriptors, %d threads, %.1f MB (peak %.1f), %d children", s.Descriptors, s.Threads, s.RSS, s.Peak, s.children)
}

func (w *worker) state() (s state, err error) {
	if s.Footprint, err = rig.ReadFootprint(w.Pid()); err != nil {
		return s, err
	}
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", w.Pid()))
	for _, list := range lists {
		b, _ := os.ReadFile(list)
		s.children += len(bytes.Fields(b))
	}
	return s, nil
}

// idle waits until rpcd has let go of the calls before (the last child is gone
// and no descriptor has been closed for a while), for settleLimit at most.
func (w *worker) idle() (state, error) {
	last, err := w.state()
	for since, end := time.Now(), time.Now().Add(settleLimit); err == nil && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var s state
		if s, err = w.state(); s.Descriptors != last.Descriptors || s.children > 0 {
			since = time.Now()
		}
		last = s
		if time.Since(since) > 500*time.Millisecond {
			break
		}
	}
	return last, err
}

// settleLimit is how long rpcd may take to let go: longer than the 10 s that
// it gives a first frame.
const settleLimit = 20 * time.Second

// settled waits until rpcd holds no more than is allowed after before, or
// settleLimit, and returns what it holds then.
func (w *worker) settled(before state) (s state, err error) {
	for end := time.Now().Add(settleLimit); ; time.Sleep(50 * time.Millisecond) {
		s, err = w.state()
		if err != nil || !s.beyond(before) || time.Now().After(end) {
			return s, err
		}
	}
}
