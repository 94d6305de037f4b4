package client

import "rpcd/internal/door"

// inner is a Cmd as cmd/rpc may use it.
type inner struct{ c *Cmd }

func init() { door.Of = func(cmd any) door.Cmd { return inner{cmd.(*Cmd)} } }

// ReleaseFiles is door.Cmd's.
func (i inner) ReleaseFiles() { i.c.releaseFiles = true }

// Adopt is door.Cmd's.
func (i inner) Adopt(s door.Sent) { i.c.sent = &s }

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
