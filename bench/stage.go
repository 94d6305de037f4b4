package main

import (
	"os"
	"slices"

	"rpcd/internal/rig"
)

// stage has everything that the measurements need: our worker, the peers, and the
// folder with their sockets, keys and logs. close ends and removes all of it.
type stage struct {
	*spawner
	options options
	folder  string
	ways    []*way // in the order of the tables; the yardstick first
	undo    []func()

	python   *python // of pythonEnds
	noPython error
}

// starter gives a rig.Starter that logs into the stage's folder.
func (st *stage) starter() rig.Starter { return rig.Starter{Folder: st.folder} }

// newStage starts our worker and every peer that is installed. A worker or peer
// that can't be started is no error: its way then holds the reason.
func newStage(s *spawner, o options) (*stage, error) {
	folder, err := os.MkdirTemp("", "rpcd-bench-")
	if err != nil {
		return nil, err
	}
	st := &stage{spawner: s, options: o, folder: folder}
	st.later(func() { os.RemoveAll(folder) })
	st.add(localWay(), shellWay(), floorWay(st))
	st.add(ourWays(st)...)
	for _, peer := range []func(*stage) *way{s6Way, sshWay, socatWay, dockerWay} {
		if s.ctx.Err() == nil {
			st.add(peer(st))
		}
	}
	return st, nil
}

// later adds a function for close to call. The last one is called first.
func (st *stage) later(f func()) { st.undo = append(st.undo, f) }

// daemon starts a server and waits until test succeeds. close ends the server.
func (st *stage) daemon(test func() error, argv ...string) (*rig.Process, error) {
	d, err := st.starter().Start(argv...)
	if err != nil {
		return nil, err
	}
	st.later(d.Stop)
	return d, d.Ready(test)
}

// add appends ways, and tries each once with the procedure true.
func (st *stage) add(ways ...*way) {
	for _, w := range ways {
		w.divisor = max(w.divisor, 1)
		if w.usable() && st.ctx.Err() == nil {
			if err := st.try(w.argv("true")); err != nil {
				w.failed = err.Error()
			}
		}
		st.ways = append(st.ways, w)
	}
}

// pick returns the ways with the given names, in that order.
func (st *stage) pick(names ...string) []*way {
	var picked []*way
	for _, name := range names {
		i := slices.IndexFunc(st.ways, func(w *way) bool { return w.name == name })
		if i >= 0 {
			picked = append(picked, st.ways[i])
		}
	}
	return picked
}

// close ends every server and removes every file, the newest first.
func (st *stage) close() {
	for _, f := range slices.Backward(st.undo) {
		f()
	}
	st.undo = nil
}
