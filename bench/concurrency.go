package main

import (
	"fmt"
	"time"
)

// callers are the numbers of calls in flight that are measured. The peers take
// part only at the last of them.
var callers = []int{1, 4, 16, 64}

// rateSection is the title of the rows of so many calls in flight.
const rateSection = "calls/s, %d in flight"

// measureConcurrency counts the calls of `true` that end in a second, for each
// number in callers. The yardstick is as many local spawns at a time.
func measureConcurrency(st *stage) []row {
	var rows []row
	for i, inFlight := range callers {
		names := []string{localName, floorName, passedName, relayedName}
		if i == len(callers)-1 {
			names = append(names, s6Name, sshName)
		}
		all := inTurns(st, st.pick(names...), st.options.Floods, func(w *way) (float64, error) {
			calls := max(2*st.options.Calls, 4*inFlight) / w.divisor
			var rate float64
			err := onThread(func() (err error) {
				rate, err = st.flood(w.argv("true"), inFlight, calls)
				return err
			})
			return rate, err
		})
		section := fmt.Sprintf(rateSection, inFlight)
		rows = append(rows, compare(section, all, localName, passedName, unitRate)...)
	}
	return rows
}

// flood runs argv calls times, inFlight at a time, and returns how many runs
// ended per second. If one fails, flood returns an error, after it has waited
// for all that were started. It must run inside onThread, whose thread is the
// parent of the processes.
func (s *spawner) flood(argv []string, inFlight, calls int) (float64, error) {
	var first error
	started, running, failed := 0, 0, 0
	began := time.Now()
	for started < calls || running > 0 {
		if started < calls && running < inFlight && first == nil && s.ctx.Err() == nil {
			if _, err := s.start(argv, nil, nil, nil); err != nil {
				first = err
				continue
			}
			started++
			running++
			continue
		}
		if running == 0 {
			break
		}
		_, err := s.wait(-1)
		running--
		if err != nil {
			failed++
			if first == nil {
				first = err
			}
		}
	}
	took := time.Since(began)
	if first == nil {
		first = s.ctx.Err()
	}
	if first != nil {
		return 0, fmt.Errorf("%d of %d calls, the first: %w", failed, started, first)
	}
	return float64(calls) / took.Seconds(), nil
}
