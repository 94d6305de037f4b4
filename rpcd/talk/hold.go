package talk

import "rpcd/rpcd/wire"

// Hold is what a caller knows of a call that has ended before its STARTED.
type Hold int

// What the worker has done with the call. It holds a call until its caller has
// answered ACCEPTED by CONTINUED: one with ANNOUNCE always, one with CONFIRM if no
// descriptor arrived.
const (
	Released      Hold = iota // it may have started it
	Held                      // it hasn't started it, nor will it
	HeldIfBridged             // Held if no descriptor arrived, else Released
)

// Hold says whether the worker may have started the call.
func (c *Caller) Hold() Hold {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.state >= running, c.released.Load() > 0:
		return Released
	case isHeld(c.Call, c.known):
		return Held
	case c.Call.Flags&wire.CallConfirm != 0:
		return HeldIfBridged
	}
	return Released
}

// isHeld reports whether the worker holds a call, of whose ACCEPTED the flags are
// known, until CONTINUED.
func isHeld(m *wire.Call, known uint16) bool {
	return m.Flags&wire.CallAnnounce != 0 || m.Flags&wire.CallConfirm != 0 && known&wire.StartedBridged != 0
}

// expectsAnswer reports whether CONTINUED has to answer an ACCEPTED with these
// flags. One that says WAITING is followed by another ACCEPTED.
func expectsAnswer(m *wire.Call, flags uint16) bool {
	return isHeld(m, flags) && flags&wire.AcceptedWaits == 0
}
