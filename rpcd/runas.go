package rpcd

import (
	"rpcd/rpcd/child"
	"rpcd/rpcd/export"
	"rpcd/rpcd/wire"
)

// runAs says who a caller's call runs as; nil: rpcd's own user. Root's calls
// keep that user, so that no caller gets more than the operator gave rpcd, and
// so do bridged ones: their caller is the bridge. Who can't be named can't be
// become, and doesn't get rpcd's rights instead.
func (s *Server) runAs(c export.Caller, bridged bool) (*child.Credential, error) {
	if !s.RunAs || bridged || c.UID == 0 {
		return nil, nil
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
