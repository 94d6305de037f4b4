package main

import (
	"bytes"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// selinuxEnforces says whether SELinux may forbid what mode bits admit. A
// container may hide the file that says so. Then this process's own context
// shows it: unlike AppArmor's, it has three colons or more (user:role:type:level).
func selinuxEnforces() bool {
	if b, err := os.ReadFile("/sys/fs/selinux/enforce"); err == nil {
		return strings.HasPrefix(string(b), "1")
	}
	b, _ := os.ReadFile("/proc/self/attr/current")
	return bytes.Count(b, []byte(":")) >= 3
}

// sharedFileSystems are those, by their number in linux/magic.h, that show one
// file to several kernels. A socket there connects only within the kernel that
// made it.
var sharedFileSystems = map[uint32]string{
	0x01021997: "9p",
	0x65735546: "fuse (virtiofs, osxfs, sshfs)",
	0x6969:     "NFS",
	0xff534d42: "CIFS",
	0xfe534d42: "SMB",
	0x786f4256: "vboxsf",
}

// sharedFileSystem gives the name of the file system that path lies on, or ""
// where only this kernel sees it (statfs(2)).
func sharedFileSystem(path string) string {
	var st unix.Statfs_t
	if unix.Statfs(path, &st) != nil {
		return ""
	}
	return sharedFileSystems[uint32(st.Type)]
}
