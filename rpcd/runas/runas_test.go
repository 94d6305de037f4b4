package runas

import (
	"errors"
	"os"
	"slices"
	"testing"

	"rpcd/rpcd/export"
	"rpcd/rpcd/wire"
)

// fault: 102
func TestRunAs(t *testing.T) {
	self := uint32(os.Geteuid())
	for _, c := range []struct {
		name    string
		off     bool
		bridged bool
		caller  export.Caller
		uid     uint32 // 0 for rpcd's own user
		groups  []uint32
		refused bool
	}{
		{name: "not asked for", off: true, caller: export.Caller{UID: 1001, GID: 1001}},
		{name: "not asked for, a stranger", off: true, caller: export.Caller{UID: 65534, GID: 65534}},
		{name: "a caller", caller: export.Caller{UID: 1001, GID: 1002, Groups: []uint32{7, 8}}, uid: 1001, groups: []uint32{7, 8}},
		{name: "no groups", caller: export.Caller{UID: 1001, GID: 1002}, uid: 1001},
		{name: "the group root, as docker run --user 1001 has it", caller: export.Caller{UID: 1001}, uid: 1001},
		{name: "root", caller: export.Caller{Groups: []uint32{7}}},
		{name: "root's bridge", bridged: true, caller: export.Caller{}},
		{name: "a bridge of rpcd's user", bridged: true, caller: export.Caller{UID: self, GID: 1002}},
		{name: "another's bridge", bridged: true, caller: export.Caller{UID: self + 1, GID: 1002}, refused: true},
		{name: "a stranger's bridge", bridged: true, caller: export.Caller{UID: 65534, GID: 65534}, refused: true},
		{name: "bridged, not asked for", off: true, bridged: true, caller: export.Caller{UID: self + 1, GID: 1002}},
		{name: "a stranger", caller: export.Caller{UID: 65534, GID: 1002}, refused: true},
		{name: "a stranger's group", caller: export.Caller{UID: 1001, GID: 65534}, refused: true},
		{name: "a group of a stranger's", caller: export.Caller{UID: 1001, GID: 1002, Groups: []uint32{7, 65534, 8}}, uid: 1001, groups: []uint32{7, 8}},
	} {
		as, err := User(!c.off, c.caller, c.bridged)
		var refused *wire.Refused
		switch {
		case c.refused:
			if !errors.As(err, &refused) || refused.Code != wire.Denied {
				t.Errorf("%s: %v, %v; want denied", c.name, as, err)
			}
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.uid == 0:
			if as != nil {
				t.Errorf("%s: runs as %v, want rpcd's own user", c.name, as)
			}
		case as == nil || as.UID != c.uid || as.GID != c.caller.GID || !slices.Equal(as.Groups, c.groups):
			t.Errorf("%s: runs as %+v", c.name, as)
		}
	}
}
