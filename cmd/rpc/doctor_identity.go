package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"rpcd/internal/reach"
)

// identity is this process as mode bits see it.
type identity struct {
	uid, gid uint32
	groups   []uint32 // supplementary, without gid
	override bool     // CAP_DAC_OVERRIDE: modes don't count (capabilities(7))
}

func ownIdentity() identity {
	who := identity{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
	groups, _ := os.Getgroups()
	for _, g := range groups {
		if uint32(g) != who.gid {
			who.groups = append(who.groups, uint32(g))
		}
	}
	status, _ := os.ReadFile("/proc/self/status")
	if _, rest, ok := bytes.Cut(status, []byte("\nCapEff:")); ok {
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		caps, _ := strconv.ParseUint(strings.TrimSpace(string(line)), 16, 64)
		who.override = caps&(1<<unix.CAP_DAC_OVERRIDE) != 0
	}
	return who
}

func (who identity) String() string {
	s := fmt.Sprintf("%d:%d", who.uid, who.gid)
	if len(who.groups) > 0 {
		s += " with groups " + strings.Trim(fmt.Sprint(who.groups), "[]")
	}
	return s
}

// admitted says whether the mode bits of a file or folder let this process
// connect to it, or pass it (path_resolution(7), unix(7)).
func (who identity) admitted(at reach.Place) bool {
	const search, write = 0o1, 0o2
	need := uint32(write)
	if at.Mode.IsDir() {
		need = search
	}
	switch {
	case who.override:
		return true
	case who.uid == at.UID:
		return at.Bits>>6&need != 0
	case who.gid == at.GID || slices.Contains(who.groups, at.GID):
		return at.Bits>>3&need != 0
	}
	return at.Bits&need != 0
}
