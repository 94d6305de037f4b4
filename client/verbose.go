package client

import (
	"fmt"
	"slices"

	"rpcd/internal/printable"
	"rpcd/rpcd/wire"
)

// joined says whether stderr is the same as stdout if the call is bridged.
func (k *call) joined() bool {
	return slices.ContainsFunc(wire.Bridge(k.std.streams), func(st wire.Stream) bool {
		return st.Number == 2 && st.Mode == wire.Same
	})
}

// say writes the line of Options.Verbose, once, and one for each time that the
// call has to wait in the queue.
func (k *call) say(m *wire.Started) {
	if k.cmd.Verbose == nil {
		return
	}
	if m.Flags&wire.AcceptedWaits != 0 {
		_, _ = fmt.Fprintf(k.cmd.Verbose, "rpc: %s\n", printable.Line(k.worker()+" is busy: waits behind "+m.Text))
		return
	}
	k.sayOnce.Do(func() {
		line := fmt.Sprintf("%s at %q in %q:", k.worker(), k.conn.Path, m.Dir)
		for i, why := range k.std.why {
			switch {
			case why == "":
				continue
			case why != "passed" || m.Flags&wire.StartedBridged == 0:
			case i == 2 && k.joined():
				why = sameAsStdout
			default:
				why = "relayed (bridged)"
			}
			line += fmt.Sprintf(" %s %s;", nameOf(uint8(i)), why)
		}
		_, _ = fmt.Fprintf(k.cmd.Verbose, "rpc: %s\n", printable.Line(line[:len(line)-1]))
		if m.Flags&wire.StartedBridged != 0 {
			_, _ = fmt.Fprintf(k.cmd.Verbose, "rpc: %s\n", printable.Line(k.overBridge(m.Dir)))
		}
	})
}

// overBridge says what differs for this call from one on the same host, beside its
// speed.
func (k *call) overBridge(dir string) string {
	line := fmt.Sprintf("bridged: %q may be another directory of that name; the worker sees the bridge's user", dir)
	for i, f := range k.std.files {
		if f == nil {
			continue
		}
		switch t, err := examine(int(f.Fd())); {
		case err != nil || t.null:
		case t.seekable:
			line += fmt.Sprintf("; %s is a pipe there, no file", nameOf(uint8(i)))
		case i == 0 && t.terminal:
			line += "; stdin is read a line ahead (-n: not at all)"
		case i == 0:
			line += "; stdin is read up to 64 KiB ahead (-n: not at all)"
		case i > 2 && k.std.reads(uint8(i)):
			line += fmt.Sprintf("; %s is read up to 64 KiB ahead", nameOf(uint8(i)))
		}
	}
	return line
}
