package main

import (
	"os"
	"slices"

	"rpcd/internal/rig"
)

// stage is what the measurements run on: our worker, the peers, and the folder
// with their sockets, keys and logs. close takes all of it down again.
type stage struct {
	*spawner
	options options
	folder  string
	ways    []*way // in the order of the tables; the yardstick first
	undo    []func()
}

// starter logs into the stage's folder.
func (st *stage) starter() rig.Starter { return rig.Starter{Folder: st.folder} }

// newStage starts our worker and every peer that is installed. What can't be
// had is a way with a reason, never an error.
func newStage(s *spawner, o options) (*stage, error) {
	folder, err := os.MkdirTemp("", "rpcd-bench-")
	if err != nil {
		return nil, err
	}
	st := &stage{spawner: s, options: o, folder: folder}
	st.later(func() { os.RemoveAll(folder) })
	st.add(localWay(), shellWay())
	st.add(ourWays(st)...)
	for _, peer := range []func(*stage) *way{s6Way, sshWay, socatWay, dockerWay} {
		if s.ctx.Err() == nil {
			st.add(peer(st))
		}
	}
	return st, nil
}

// later remembers what close has to do; the last comes first.
func (st *stage) later(f func()) { st.undo = append(st.undo, f) }

// daemon starts a server that close will end, and waits until test succeeds.
func (st *stage) daemon(test func() error, argv ...string) (*rig.Process, error) {
	d, err := st.starter().Start(argv...)
	if err != nil {
		return nil, err
	}
	st.later(d.Stop)
	return d, d.Ready(test)
}

// add takes ways over and tries each once with the procedure true.
func (st *stage) add(ways ...*way) {
	for _, w := range ways {
		w.dear = max(w.dear, 1)
		if w.usable() && st.ctx.Err() == nil {
			if err := st.try(w.argv("true")); err != nil {
				w.failed = err.Error()
			}
		}
		st.ways = append(st.ways, w)
	}
}

// pick returns the ways with these names, in the order of names.
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

// close ends every server and removes every file, the last first.
func (st *stage) close() {
	for _, f := range slices.Backward(st.undo) {
		f()
	}
	st.undo = nil
}
