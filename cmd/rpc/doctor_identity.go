package main

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// person is this process as mode bits see it.
type person struct {
	uid, gid uint32
	groups   []uint32 // supplementary, without gid
	override bool     // CAP_DAC_OVERRIDE: modes don't count (capabilities(7))
}

func newPerson() person {
	p := person{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
	groups, _ := os.Getgroups()
	for _, g := range groups {
		if uint32(g) != p.gid {
			p.groups = append(p.groups, uint32(g))
		}
	}
	status, _ := os.ReadFile("/proc/self/status")
	if _, rest, ok := bytes.Cut(status, []byte("\nCapEff:")); ok {
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		caps, _ := strconv.ParseUint(strings.TrimSpace(string(line)), 16, 64)
		p.override = caps&(1<<unix.CAP_DAC_OVERRIDE) != 0
	}
	return p
}

func (p person) String() string {
	s := fmt.Sprintf("%d:%d", p.uid, p.gid)
	if len(p.groups) > 0 {
		s += " with groups " + strings.Trim(fmt.Sprint(p.groups), "[]")
	}
	return s
}

// admitted says whether mode bits give the right need (1 to search, 2 to
// write), as path_resolution(7) tells it.
func (p person) admitted(st *unix.Stat_t, need uint32) bool {
	switch {
	case p.override:
		return true
	case p.uid == st.Uid:
		return st.Mode>>6&need != 0
	case p.gid == st.Gid || slices.Contains(p.groups, st.Gid):
		return st.Mode>>3&need != 0
	}
	return st.Mode&need != 0
}

// selinuxEnforces: in a container the file may be hidden, and our own context
// (user:role:type:level, unlike AppArmor's) shows that there is SELinux.
func selinuxEnforces() bool {
	if b, err := os.ReadFile("/sys/fs/selinux/enforce"); err == nil {
		return strings.HasPrefix(string(b), "1")
	}
	b, _ := os.ReadFile("/proc/self/attr/current")
	return bytes.Count(b, []byte(":")) >= 3
}

// shared are the file systems (statfs(2), linux/magic.h) that show one file to
// several kernels: a socket there connects only within the kernel that made it.
var shared = map[uint32]string{
	0x01021997: "9p",
	0x65735546: "fuse (virtiofs, osxfs, sshfs)",
	0x6969:     "NFS",
	0xff534d42: "CIFS",
	0xfe534d42: "SMB",
	0x786f4256: "vboxsf",
}

func sharedFileSystem(path string) string {
	var st unix.Statfs_t
	if unix.Statfs(path, &st) != nil {
		return ""
	}
	return shared[uint32(st.Type)]
}
