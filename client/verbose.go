package client

import (
	"fmt"

	"rpcd/internal/printable"
	"rpcd/rpcd/wire"
)

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
			if why == "passed" && m.Flags&wire.StartedBridged != 0 {
				why = "relayed (bridged)"
			}
			line += fmt.Sprintf(" %s %s;", names[i], why)
		}
		_, _ = fmt.Fprintf(k.cmd.Verbose, "rpc: %s\n", printable.Line(line[:len(line)-1]))
	})
}
