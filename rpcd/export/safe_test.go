package export

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// Each row changes owner or mode of one file in a good directory. rpcd is 1000:1000.
// fault: 64
func TestOwnership(t *testing.T) {
	needRoot(t)
	rpcd := Owner{UID: 1000, GID: 1000}
	const own, other = 1000, 1001
	type row struct {
		file     string // "": the exports directory; "..": its parent; "lib": the target's directory
		uid, gid int    // its new owner
		mode     uint32 // its new mode; 0: unchanged
		good     bool
		words    string
	}
	for _, tt := range []row{
		{"", own, own, 0o755, true, ""},
		{"", own, own, 0o775, true, ""},
		{"", 0, own, 02775, true, ""},
		{"", own, other, 0o755, true, ""},
		{"", own, 27, 0o775, false, "writable by gid 27"}, // rpcd's supplementary groups don't count
		{"", own, other, 0o775, false, "chmod g-w"},
		{"", own, own, 0o757, false, "chmod o-w"},
		{"", own, own, 0o1777, false, "writable by others"},
		{"", other, own, 0o755, false, "belongs to uid 1001"},
		{"..", 0, 0, 0o1777, true, ""},
		{"..", 0, other, 0o1775, true, ""},
		{"..", 0, 0, 0o777, false, "writable by others"},
		{"..", 0, other, 0o775, false, "writable by gid 1001"},
		{"..", other, 0, 0o1777, false, "belongs to uid 1001"},
		{"lib", 0, 0, 0o1777, true, ""},
		{"lib", 0, 0, 0o777, false, "lib"},
		{"lib", other, 0, 0o755, false, "lib"},
		{"lib/tool", own, own, 0o775, true, ""},
		{"lib/tool", other, own, 0o755, false, "lib/tool"},
		{"lib/tool", own, own, 0o757, false, "chmod o-w"},
		{"lib/tool", own, other, 0o775, false, "chmod g-w"},
		{"lib/tool", own, own, 04755, false, "setuid"},
		{"lib/tool", own, own, 02755, false, "setgid"},
		{"link", other, other, 0, false, "belongs to uid 1001"},
		{"link", own, other, 0, true, ""},
		{"script", own, own, 0o775, true, ""},
		{"script", other, own, 0o755, false, "chown"},
		{"script", own, own, 0o777, false, "chmod o-w"},
		{"script", own, own, 06755, false, "chmod ug-s"},
		{"folder", own, own, 0o775, true, ""},
		{"folder", other, own, 0o755, false, "folder"},
		{"folder", own, own, 0o1777, false, "chmod o-w"},
		{"folder/run", own, own, 0o757, false, "folder/run"},
		{"folder/run", other, own, 0o755, false, "folder/run"},
		{"folder/run", own, own, 04755, false, "setuid"},
		{"folder/allow", own, own, 0o664, true, ""},
		{"folder/allow", other, own, 0o644, false, "folder/allow"},
		{"folder/allow", own, own, 0o666, false, "chmod o-w"},
		{"folder/allow", own, other, 0o664, false, "chmod g-w"},
	} {
		dir := tree(t, map[string]string{
			"link": ">../lib/tool", "script:x": "", "folder/run:x": "", "folder/allow": "any",
		})
		parent := filepath.Dir(dir)
		put(t, parent, "lib/tool:x", "")
		path := filepath.Join(dir, tt.file)
		if strings.HasPrefix(tt.file, "lib") {
			path = filepath.Join(parent, tt.file)
		}
		must(t, os.Lchown(path, tt.uid, tt.gid))
		if tt.mode != 0 {
			must(t, syscall.Chmod(path, tt.mode))
		}
		name, _, _ := strings.Cut(tt.file, "/")
		own := name != "" && name != ".." // the fault is one entry's, not the directory's
		if name == "lib" {
			name = "link"
		} else if !own {
			name = "script"
		}
		d, warnings, err := Open(dir, rpcd)
		if own {
			must(t, err)
			if tt.good != (len(warnings) == 0) {
				t.Errorf("%+v: warnings %q", tt, warnings)
			}
		} else if tt.good != (err == nil) {
			t.Errorf("%+v: Open: %v", tt, err)
		} else if err != nil {
			clean(t, err.Error(), "cannot export", tt.words)
			d = &Dir{path: dir, owner: rpcd} // as if it had changed after the start
		}
		problems := allProblems(dir, rpcd)
		_, err = d.Lookup(name, myself)
		if tt.good {
			if err != nil || len(problems) > 0 {
				t.Errorf("%+v: %v, %q", tt, err, problems)
			}
			continue
		}
		refused(t, err, Unsafe, tt.words)
		if len(problems) != 1 {
			t.Errorf("%+v: %q", tt, problems)
			continue
		}
		clean(t, problems[0].String(), tt.words)
		if ps, _ := d.List(myself); own != (len(ps) == 2) {
			t.Errorf("%+v: lists %d procedures", tt, len(ps))
		}
	}
}

// A user whom an ACL lets write is found, though the mode shows only rpcd's group.
func TestACL(t *testing.T) {
	dir := tree(t, map[string]string{"a:x": ""})
	path := filepath.Join(dir, "a")
	acl := []byte{2, 0, 0, 0}
	for _, e := range [][3]uint32{{1, 7, ^uint32(0)}, {2, 6, 1001}, {4, 5, ^uint32(0)}, {16, 7, ^uint32(0)}, {32, 5, ^uint32(0)}} {
		acl = binary.LittleEndian.AppendUint16(acl, uint16(e[0]))
		acl = binary.LittleEndian.AppendUint16(acl, uint16(e[1]))
		acl = binary.LittleEndian.AppendUint32(acl, e[2])
	}
	if err := syscall.Setxattr(path, aclXattr, acl, 0); err != nil {
		t.Skipf("SKIPPED, no ACLs here: %v", err)
	}
	d, _, err := Open(dir, me)
	must(t, err)
	_, err = d.Lookup("a", myself)
	refused(t, err, Unsafe, "ACL", "setfacl -b")
}

// A program with file capabilities is refused at the start, by check and at each
// call, behind a symlink and as a folder's program, too.
// fault: 118
func TestFileCapabilities(t *testing.T) {
	needRoot(t)
	dir := tree(t, map[string]string{"a:x": "", "folder/run:x": "", "link": ">../lib/tool", "good:x": ""})
	put(t, filepath.Dir(dir), "lib/tool:x", "")
	capability := []byte{1, 0, 0, 2} // revision 2, effective (linux/capability.h); then permitted and inheritable, twice
	for _, bits := range []uint32{1 << 13, 0, 0, 0} {
		capability = binary.LittleEndian.AppendUint32(capability, bits)
	}
	for _, file := range []string{"a", "folder/run", "../lib/tool"} {
		if err := syscall.Setxattr(filepath.Join(dir, file), capabilityXattr, capability, 0); err != nil {
			t.Skipf("SKIPPED, no file capabilities here: %v", err)
		}
	}
	d, warnings, err := Open(dir, me)
	must(t, err)
	if problems := allProblems(dir, me); len(problems) != 3 || len(warnings) != 3 {
		t.Errorf("problems %q, warnings %q", problems, warnings)
	}
	for name, cure := range map[string]string{"a": "setcap -r", "folder": "setcap -r", "link": "export a copy without them"} {
		_, err := d.Lookup(name, myself)
		refused(t, err, Unsafe, "file capabilities", cure)
	}
	if _, err := d.Lookup("good", myself); err != nil {
		t.Error(err)
	}
}

// On a read-only mount files of other users pass, with one warning.
// fault: 104
func TestReadOnly(t *testing.T) {
	needRoot(t)
	// A thread gets mounts of its own. It is locked, so it ends with the goroutine.
	done, skip := make(chan struct{}), ""
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if err := syscall.Unshare(syscall.CLONE_NEWNS); err != nil {
			skip = err.Error()
			return
		}
		if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
			skip = err.Error()
			return
		}
		dir := filepath.Join(t.TempDir(), "m")
		if os.Mkdir(dir, 0o755) != nil || syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=755") != nil {
			skip = "tmpfs refused"
			return
		}
		defer syscall.Unmount(dir, 0)
		tool := func(name string, mode uint32) {
			path := filepath.Join(dir, name)
			os.WriteFile(path, nil, 0o755)
			os.Chown(path, 1001, 1001)
			syscall.Chmod(path, mode)
		}
		tool("a", 0o755)
		tool("b", 0o775)
		tool("c", 0o777)
		os.Symlink("a", dir+"/l")
		os.Lchown(dir+"/l", 1001, 1001)
		os.Chown(dir, 1001, 1001)
		if _, _, err := Open(dir, me); err == nil {
			t.Error("a foreign owner passes on a writable mount")
		}
		if _, _, err := Open(dir, Owner{UID: me.UID, GID: me.GID, TrustMount: true}); err == nil {
			t.Error("a foreign owner is trusted on a writable mount")
		}
		if err := syscall.Mount("none", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Errorf("remount: %v", err)
			return
		}
		d, warnings, err := Open(dir, me)
		if err != nil || len(warnings) != 2 || !strings.Contains(warnings[1], "read-only") {
			t.Errorf("%v, warnings %q", err, warnings)
			return
		}
		// For a systemd unit, which may have mounts of its own, they don't.
		unit := me
		unit.OwnMounts = true
		if _, _, err := Open(dir, unit); err == nil || !strings.Contains(err.Error(), "belongs to uid 1001") {
			t.Errorf("as a unit: %v", err)
		}
		// Whom the operator trusts may write all of it, a unit's operator as well.
		for _, trusting := range []Owner{{UID: me.UID, GID: me.GID, TrustMount: true}, {UID: me.UID, GID: me.GID, TrustMount: true, OwnMounts: true}} {
			trusted, warnings, err := Open(dir, trusting)
			if err != nil || len(warnings) > 0 {
				t.Errorf("trusted: %v, warnings %q", err, warnings)
				continue
			}
			if _, err := trusted.Lookup("c", myself); err != nil {
				t.Errorf("trusted: %v", err)
			}
		}
		_, err = d.Lookup("c", myself)
		refused(t, err, Unsafe, "writable by others", "read-only: --trust-mount")
		for name, good := range map[string]bool{"a": true, "b": true, "c": false, "l": true} {
			if _, err := d.Lookup(name, myself); good != (err == nil) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}()
	if <-done; skip != "" {
		t.Skip("SKIPPED, may not mount: " + skip)
	}
}

// With a rule file that it can't read rpcd admits nobody.
func TestUnreadable(t *testing.T) {
	needRoot(t)
	dir := tree(t, map[string]string{"a/run:x": "", "a/allow": "any", "b/run:x": "", "c/run:x": ""})
	must(t, os.Chmod(dir+"/a/allow", 0o600))
	must(t, os.Chmod(dir+"/b", 0o711))
	must(t, os.Chmod(dir+"/c", 0o700))
	for d := filepath.Dir(dir); d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		must(t, os.Chmod(d, 0o755))
	}
	d, _, err := Open(dir, me)
	must(t, err)
	as(t, 1000, func() {
		_, err := d.Lookup("a", myself)
		refused(t, err, Denied, "a/allow", "permission denied", "chmod +r")
		_, err = d.Lookup("b", myself)
		refused(t, err, Denied, "/b", "permission denied", "chmod +rx")
		_, err = d.Lookup("c", myself)
		refused(t, err, Denied, "/c", "permission denied")
		if problems := allProblems(dir, me); len(problems) != 3 {
			t.Errorf("problems %q", problems)
		}
	})
	must(t, os.Chmod(dir, 0o700))
	as(t, 1000, func() {
		_, err := d.Lookup("a", myself)
		refused(t, err, Unsafe, "permission denied", "chmod +x")
		if _, _, err := Open(dir, me); err == nil {
			t.Error("opened a directory that can't be read")
		}
		if problems := allProblems(dir, me); len(problems) != 1 {
			t.Errorf("problems %q", problems)
		}
	})
}
