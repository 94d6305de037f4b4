package main

import (
	"fmt"
	"path/filepath"
	"time"

	"rpcd/internal/proc"
	"rpcd/internal/rig"
)

// worker is one rpcd that serves the procedure true.
type worker struct {
	*rig.Process
	socket string
}

func startWorker(o options, folder, name string) (*worker, error) {
	exports := filepath.Join(folder, name+"-exports")
	if err := rig.Export(exports, "/bin/true"); err != nil {
		return nil, err
	}
	w := &worker{socket: filepath.Join(folder, name+".sock")}
	var err error
	w.Process, err = rig.Starter{Folder: folder}.Serve(o.RPCD, w.socket, "--exports", exports)
	return w, err
}

// inWords gives u as a phrase for a report.
func inWords(u proc.Usage) string {
	return fmt.Sprintf("%d descriptors, %d threads, %.1f MB (peak %.1f), %d children", u.Descriptors, u.Threads, proc.MB(u.RSS), proc.MB(u.Peak), u.Children)
}

// settleLimit is how long rpcd may take to close everything. It is longer than
// the 10 s that rpcd gives a first frame.
const settleLimit = 20 * time.Second

// idle waits until rpcd has no child, and hasn't closed a descriptor for a while.
// It waits for settleLimit at most.
func (w *worker) idle() (proc.Usage, error) {
	last, since := proc.Usage{}, time.Now()
	return proc.Settle(w.PID(), settleLimit, func(u proc.Usage) bool {
		if u.Descriptors != last.Descriptors || u.Children > 0 {
			since = time.Now()
		}
		last = u
		return time.Since(since) > 500*time.Millisecond
	})
}

// settled waits until rpcd holds no more than it may (see beyond), for settleLimit
// at most. It returns rpcd's usage at that time.
func (w *worker) settled(before proc.Usage) (proc.Usage, error) {
	return proc.Settle(w.PID(), settleLimit, func(u proc.Usage) bool { return !beyond(u, before) })
}
