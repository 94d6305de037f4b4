package main

import (
	"fmt"
	"path/filepath"
	"time"
)

// Names of the pairs that exchange arrays.
const (
	connectName  = "rpcd.connect"
	pyobjName    = "pyzmq, send_pyobj"
	zmqArrayName = "pyzmq, send_array"
	tcpName      = "TCP, np.save"
	sharedName   = "shared_memory, two semaphores"
)

// arraySizes are the bytes of the frames: a few numbers, 640x480x3, 1920x1080x3.
var arraySizes = []int{32, 921_600, 6_220_800}

func arraySection(size int) string { return fmt.Sprintf("arrays of %d B, there and back", size) }

// measureArrays counts how many arrays go from one Python process to another and
// back in a second, one after the other. The yardstick is memory that both share,
// with two semaphores.
func measureArrays(st *stage) []row {
	ways, pairs := pairWays(st)
	var rows []row
	for _, size := range arraySizes {
		all := inTurns(st, ways, st.options.Transfers, func(w *way) (float64, error) {
			return pairs[w.name].rate(size, st.options.turn())
		})
		rows = append(rows, against("shared_memory", compare(arraySection(size), all, sharedName, connectName, unitRate))...)
	}
	return rows
}

// turn is how long a pair exchanges frames in a round.
func (o options) turn() time.Duration {
	if o.Quick {
		return 50 * time.Millisecond
	}
	return 200 * time.Millisecond
}

// pairWays starts the pairs, ours first.
func pairWays(st *stage) ([]*way, map[string]*pair) {
	p, err := st.pythonEnds()
	if err != nil {
		return []*way{missing(connectName, err.Error())}, nil
	}
	zmq := ""
	if err := p.lacksZMQ(st); err != nil {
		zmq = err.Error()
	}
	pairs := map[string]*pair{}
	var ways []*way
	start := func(name, absent, script string, args ...string) {
		w := &way{name: name, absent: absent}
		if absent == "" {
			var err error
			if pairs[name], err = newPair(st, p.env, p.script(script, args...)); err != nil {
				w.failed = err.Error()
			}
		}
		ways = append(ways, w)
	}
	start(connectName, "", "rpcd_pair", p.socket)
	start(pyobjName, zmq, "zmq_pair", filepath.Join(st.folder, "zmq-1.sock"), "pyobj")
	start(zmqArrayName, zmq, "zmq_pair", filepath.Join(st.folder, "zmq-2.sock"), "array")
	start(tcpName, "", "tcp_pair")
	start(sharedName, "", "shared_pair")
	return ways, pairs
}
