package main

import (
	"time"

	"rpcd/internal/rig"
)

// measureLatency times calls of `true`, one after the other, from the client's
// spawn until it is reaped. A round's figure is the median of its calls, in
// seconds.
func measureLatency(st *stage) []row {
	ways := st.pick(localName, shellName, floorName, passedName, ordinaryName, relayedName, bridgedName, s6Name, sshName, socatName, dockerName, noopName, versionName, pingName)
	all := inTurns(st, ways, st.options.Rounds, st.timeCalls)
	return compare("latency", all, localName, passedName, unitTime)
}

// timeCalls gives the median of a round's calls of `true`, in seconds.
func (st *stage) timeCalls(w *way) (float64, error) {
	argv := w.argv("true")
	seconds := make([]float64, 0, st.options.Calls)
	err := onThread(func() error {
		if _, err := st.time(argv); err != nil { // not counted: it fills the processor's caches
			return err
		}
		for range max(st.options.Calls/w.divisor, 3) {
			took, err := st.time(argv)
			if err != nil {
				return err
			}
			seconds = append(seconds, float64(took)/float64(time.Second))
		}
		return nil
	})
	return rig.Summarize(seconds).Median, err
}
