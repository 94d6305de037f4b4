package client

import (
	"rpcd/internal/door"
	"rpcd/rpcd/wire"
)

// inner is a Cmd as cmd/rpc may use it.
type inner struct{ c *Cmd }

func init() { door.Of = func(cmd any) door.Cmd { return inner{cmd.(*Cmd)} } }

// ReleaseFiles is door.Cmd's.
func (i inner) ReleaseFiles() { i.c.releaseFiles = true }

// Adopt is door.Cmd's.
func (i inner) Adopt(s door.Sent) { i.c.sent = &s }

// Instead is door.Cmd's.
func (i inner) Instead(change func(error) bool) { i.c.instead = change }

// SetTerminal is door.Cmd's.
func (i inner) SetTerminal(t *door.Terminal) { i.c.terminal = t }

// Resize is door.Cmd's.
func (i inner) Resize(w wire.Window) error {
	return i.c.tell(func(k *call) error { return k.Resize(w) })
}

// LostInput is door.Cmd's.
func (i inner) LostInput() int64 {
	if k := i.c.current(); k != nil {
		return k.lost
	}
	return 0
}

// Relays is door.Cmd's.
func (i inner) Relays() bool {
	k := i.c.current()
	return k != nil && k.relays()
}
