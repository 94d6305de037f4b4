// Package runas says as whom a call runs. It changes no process.
package runas

import (
	"os"

	"rpcd/rpcd/child"
	"rpcd/rpcd/export"
	"rpcd/rpcd/refusal"
)

// User says as whom a caller's call runs, where calls run as their callers (asked);
// nil: as rpcd's own user. The error is a refusal.
//
// Root's calls keep rpcd's user, so that no caller gets more than the operator
// gave rpcd. Bridged calls keep it, too, since their caller is the bridge. But
// anybody can leave the descriptors out and so look like a bridge. To give no
// rights away, a bridge has to be root's or rpcd's own user's.
//
// A caller whose uid or gid is unmapped (65534) is refused: we can't switch to
// it, and rpcd's own user would give it more rights.
func User(asked bool, c export.Caller, bridged bool) (*child.Credential, error) {
	self := uint32(os.Geteuid())
	switch {
	case !asked, c.UID == 0, bridged && c.UID == self && self != export.Overflow:
		return nil, nil
	case bridged:
		return nil, refusal.Bridge(c.UID, self)
	case c.UID == export.Overflow || c.GID == export.Overflow:
		return nil, refusal.Unmapped()
	}
	as := &child.Credential{UID: c.UID, GID: c.GID}
	for _, g := range c.Groups {
		if g != export.Overflow {
			as.Groups = append(as.Groups, g)
		}
	}
	return as, nil
}
