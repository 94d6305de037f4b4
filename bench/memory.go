package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"rpcd/internal/proc"
)

// settleLimit is how long the daemon may take to close the last connections. The
// daemon waits up to 5 s for a caller to close first (rpcd/PROTOCOL.md).
const settleLimit = 7 * time.Second

// measureMemory reports the size of the client's file and the peak memory of the
// clients. It also reports a fresh daemon's memory, descriptors and threads,
// before and after thousands of calls.
func measureMemory(st *stage) []row {
	const section = "memory"
	rows := []row{plain(section, "rpc on disk", unitMB, fileMB(st.options.RPC)),
		plain(section, "rpcd on disk", unitMB, fileMB(st.options.RPCD))}
	for _, w := range st.pick(localName, floorName, passedName, ordinaryName, relayedName, s6Name, sshName, dockerName) {
		r := row{Section: section, Name: peakPrefix + w.name, Unit: unitMB, Trouble: w.trouble()}
		if w.usable() && st.ctx.Err() == nil {
			peaks, err := clientPeaks(st, w)
			r.setSeries(peaks)
			if err != nil {
				r.Trouble = failedPrefix + err.Error()
			}
		}
		rows = append(rows, r)
	}
	return append(rows, measureDaemon(st, section)...)
}

// clientPeaks returns the peak resident memory of a few calls of w, in MB.
func clientPeaks(st *stage, w *way) (peaks []float64, err error) {
	for range 5 {
		err := onThread(func() error {
			peak, err := st.peakMemory(w.argv("true"))
			peaks = append(peaks, float64(peak)/1e6)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return peaks, nil
}

// fileMB returns a function, for plain, that gives the size of a file in MB (10^6
// bytes).
func fileMB(path string) func() (float64, error) {
	return func() (float64, error) {
		info, err := os.Stat(path)
		if err != nil {
			return 0, err
		}
		return float64(info.Size()) / 1e6, nil
	}
}

// measureDaemon looks at a fresh worker before and after many calls. Batches of
// passed and of relayed calls take turns, four calls at a time.
func measureDaemon(st *stage, section string) []row {
	before, after, err := loadDaemon(st)
	when := fmt.Sprintf(" after %d calls", st.options.Load)
	var rows []row
	for _, figure := range []struct {
		name  string
		unit  unit
		value float64
	}{
		{"rpcd idle", unitMB, proc.MB(before.RSS)},
		{"rpcd" + when, unitMB, proc.MB(after.RSS)},
		{"rpcd's peak" + when, unitMB, proc.MB(after.Peak)},
		{"rpcd's descriptors, idle", unitCount, float64(before.Descriptors)},
		{"rpcd's descriptors" + when, unitCount, float64(after.Descriptors)},
		{"rpcd's threads, idle", unitCount, float64(before.Threads)},
		{"rpcd's threads" + when, unitCount, float64(after.Threads)},
	} {
		rows = append(rows, plain(section, figure.name, figure.unit, func() (float64, error) { return figure.value, err }))
	}
	return rows
}

// loadDaemon returns the worker's usage before and after many calls. The second
// look comes once the worker holds no more descriptors than before, or after
// settleLimit.
func loadDaemon(st *stage) (before, after proc.Usage, err error) {
	socket, worker, err := startWorker(st, "memory")
	if err != nil {
		return before, after, err
	}
	defer worker.Stop()
	time.Sleep(settleTime) // rpcd may still be closing the connection of the start's check
	if before, err = proc.Look(worker.PID()); err != nil {
		return before, after, err
	}
	const batch = 500
	for i := range st.options.Load / batch {
		w := rpcWay(st, "", socket)
		if i%2 == 1 {
			w = rpcWay(st, "", socket, "--pass", "none")
		}
		err := onThread(func() error { _, err := st.flood(w.argv("true"), 4, batch); return err })
		if err != nil {
			return before, after, err
		}
	}
	after, err = proc.Settle(worker.PID(), settleLimit, func(u proc.Usage) bool { return u.Descriptors <= before.Descriptors })
	return before, after, err
}

// errNoPeak means that a process ended without the stop at which peakMemory
// reads its memory.
var errNoPeak = errors.New("cannot read its peak memory: it ended unseen")
