package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"rpcd/internal/rig"
)

// bridges are two ways to one worker that serves all commands: over TCP as socat
// makes it, and with TCP_NODELAY. A small segment waits for the acknowledgment of the
// one before in the former alone, so the ratio shows what that costs.
type bridges struct {
	st             *stage
	folder         string
	plain, nodelay string // sockets
}

// measureBridges measures what takes turns over both bridges. A row's figures are the
// ratios plain to nodelay, one for each round.
func measureBridges(st *stage) []row {
	b, err := newBridges(st)
	if err != nil {
		return []row{{Section: "bridges", Name: "bridges", Trouble: absentPrefix + err.Error()}}
	}
	var rows []row
	for _, size := range turnSizes {
		rows = append(rows, b.row(turnName(size), func(socket string) (time.Duration, error) { return b.turns(socket, size) }))
	}
	for _, c := range clients {
		if _, err := rig.LookFor(c.program, c.debianPackage); err != nil {
			rows = append(rows, row{Section: "bridges", Name: c.name, Trouble: absentPrefix + err.Error()})
			continue
		}
		rows = append(rows, b.row(c.name, func(socket string) (time.Duration, error) { return b.client(c, socket) }))
	}
	for i := range rows {
		rows[i].Detail = "plain / nodelay"
	}
	return rows
}

// newBridges starts the worker and both bridges. The stage's close ends them.
func newBridges(st *stage) (*bridges, error) {
	b := &bridges{st: st, folder: filepath.Join(st.folder, "bridges")}
	if err := os.Mkdir(b.folder, 0o700); err != nil {
		return nil, err
	}
	socket := filepath.Join(b.folder, "w.sock")
	worker, err := st.starter().Serve(st.options.RPCD, socket, "--all-commands")
	if err != nil {
		return nil, err
	}
	st.later(worker.Stop)
	b.plain, b.nodelay = filepath.Join(b.folder, "plain.sock"), filepath.Join(b.folder, "nodelay.sock")
	for near, tcp := range map[string][]string{b.plain: nil, b.nodelay: {"nodelay"}} {
		bridge, err := st.starter().Bridge(near, socket, tcp...)
		if err != nil {
			return nil, err
		}
		st.later(bridge.Stop)
	}
	return b, b.makeFiles()
}

// row measures one thing over both bridges in turns, once more than it counts.
func (b *bridges) row(name string, measure func(socket string) (time.Duration, error)) row {
	r := row{Section: "bridges", Name: name, Unit: unitTimes}
	var ratios []float64
	for round := range b.st.options.Transfers + 1 {
		var took [2]time.Duration
		for i, socket := range []string{b.plain, b.nodelay} {
			var err error
			if took[i], err = measure(socket); err != nil {
				r.Trouble = failedPrefix + fmt.Sprintf("%s: %v", filepath.Base(socket), err)
				return r
			}
		}
		if round > 0 {
			ratios = append(ratios, took[0].Seconds()/took[1].Seconds())
		}
	}
	r.setSeries(ratios)
	return r
}
