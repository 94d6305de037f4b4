package client

import (
	"fmt"

	"rpcd/rpcd/wire"
)

// say writes the line of Options.Verbose, once.
func (k *session) say(m *wire.Started) {
	if k.cmd.Verbose == nil {
		return
	}
	k.sayOnce.Do(func() {
		line := fmt.Sprintf("%s at %q in %q:", k.worker(), k.path, m.Dir)
		for i, why := range k.std.why {
			if why == "passed" && m.Flags&wire.StartedBridged != 0 {
				why = "relayed (bridged)"
			}
			line += fmt.Sprintf(" %s %s;", names[i], why)
		}
		line = line[:len(line)-1]
		if m.Flags&wire.AcceptedWaits != 0 {
			line += "; waits behind " + m.Text
		}
		_, _ = fmt.Fprintf(k.cmd.Verbose, "rpc: %s\n", clean(line))
	})
}
