package rpcd

import (
	"fmt"
	"os"

	"rpcd/rpcd/child"
	"rpcd/rpcd/export"
	"rpcd/rpcd/wire"
)

// runAs says who a caller's call runs as; nil: rpcd's own user. Root's calls
// keep that user, so that no caller gets more than the operator gave rpcd, and
// so do bridged ones: their caller is the bridge. But anybody can leave the
// descriptors out, and must not get rpcd's rights by it: the bridge has to be
// root's, or rpcd's own user's. Who can't be named can't be become, and doesn't
// get rpcd's rights instead.
func (s *Server) runAs(c export.Caller, bridged bool) (*child.Credential, error) {
	self := uint32(os.Geteuid())
	switch {
	case !s.RunAs, c.UID == 0, bridged && c.UID == self && self != export.Overflow:
		return nil, nil
	case bridged:
		return nil, &wire.Refused{Code: wire.Denied, Text: fmt.Sprintf("cannot run your calls as you (--run-as caller): they come through a bridge, without descriptors, and have rpcd's rights only if that is root's or uid %d's, not uid %d's", self, c.UID)}
	}
	if c.UID == export.Overflow || c.GID == export.Overflow {
		return nil, &wire.Refused{Code: wire.Denied, Text: "cannot run your calls as you (--run-as caller): your uid or gid is 65534, a number that it has for every stranger (is a container in a user namespace of its own?)"}
	}
	as := &child.Credential{UID: c.UID, GID: c.GID}
	for _, g := range c.Groups {
		if g != export.Overflow {
			as.Groups = append(as.Groups, g)
		}
	}
	return as, nil
}
