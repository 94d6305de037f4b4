package rpcd

import (
	"os"

	"rpcd/rpcd/child"
	"rpcd/rpcd/export"
)

// admit refuses callers that may not call at all.
func (s *Server) admit(c export.Caller) error {
	if s.Allow.Admit(c) {
		return nil
	}
	return refuseCaller(c, s.Allow)
}

// runAs says as whom a caller's call runs; nil: as rpcd's own user.
//
// Root's calls keep rpcd's user, so that no caller gets more than the operator
// gave rpcd. Bridged calls keep it, too, since their caller is the bridge. But
// anybody can leave the descriptors out and so look like a bridge. To give no
// rights away, a bridge has to be root's or rpcd's own user's.
//
// A caller whose uid or gid is unmapped (65534) is refused: we can't switch to
// it, and rpcd's own user would give it more rights.
func (h *host) runAs(c export.Caller, bridged bool) (*child.Credential, error) {
	self := uint32(os.Geteuid())
	switch {
	case !h.RunAs, c.UID == 0, bridged && c.UID == self && self != export.Overflow:
		return nil, nil
	case bridged:
		return nil, refuseBridge(c.UID, self)
	case c.UID == export.Overflow || c.GID == export.Overflow:
		return nil, refuseUnmapped()
	}
	as := &child.Credential{UID: c.UID, GID: c.GID}
	for _, g := range c.Groups {
		if g != export.Overflow {
			as.Groups = append(as.Groups, g)
		}
	}
	return as, nil
}
