package fdconn

import "encoding/binary"

// parseGroups reads the kernel's array of gid_t.
func parseGroups(b []byte) []uint32 {
	groups := make([]uint32, 0, len(b)/4)
	for ; len(b) >= 4; b = b[4:] {
		groups = append(groups, binary.NativeEndian.Uint32(b))
	}
	return groups
}
