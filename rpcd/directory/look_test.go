package directory

import (
	"os"
	"path/filepath"
	"testing"

	"rpcd/internal/testkit"
	"rpcd/rpcd/child"
	"rpcd/rpcd/wire"
)

// Look says what Open would do, and what the user may do there.
func TestLook(t *testing.T) {
	here := t.TempDir()
	if err := os.Chmod(here, 0o750); err != nil {
		t.Fatal(err)
	}
	other := proven(t, here)
	other.Inode++
	gone := wire.Dir{Name: filepath.Join(here, "gone"), Proven: true}
	for what, r := range map[string]struct {
		choice Choice
		want   wire.Sameness
		rights uint8
	}{
		"not asked":                       {Choice{}, wire.DirNotAsked, 0},
		"the same":                        {Choice{Caller: proven(t, here)}, wire.DirSame, 7},
		"another":                         {Choice{Caller: other}, wire.DirOther, 0},
		"another, over a bridge":          {Choice{Caller: other, Bridged: true, Workdirs: []string{"/"}}, wire.DirSame, 7},
		"another, with a workdir":         {Choice{Caller: other, Workdirs: []string{filepath.Dir(here)}}, wire.DirWorkdir, 7},
		"gone":                            {Choice{Caller: gone}, wire.DirMissing, 0},
		"gone, with a workdir":            {Choice{Caller: gone, Workdirs: []string{here}}, wire.DirWorkdir, 7},
		"gone, with a workdir that is so": {Choice{Caller: gone, Workdirs: []string{gone.Name}}, wire.DirWorkdir, 0},
	} {
		same, in := r.choice.Look()
		if same != r.want || in.Rights != r.rights || (in.Mode != 0) != (r.rights != 0) {
			t.Errorf("%s: %d, %+v; want %d with rights %d", what, same, in, r.want, r.rights)
		}
	}
}

// A directory that another user can't enter is there, and says whose it is.
func TestLookAsAnother(t *testing.T) {
	if os.Getuid() != 0 {
		testkit.Lack(t, "other users need root")
	}
	here, err := os.MkdirTemp("/tmp", "look")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(here)
	stranger := &child.Credential{UID: 54321, GID: 54322}
	for mode, want := range map[os.FileMode]wire.Sameness{0o700: wire.DirNoEntry, 0o701: wire.DirSame, 0o705: wire.DirSame} {
		if err := os.Chmod(here, mode); err != nil {
			t.Fatal(err)
		}
		same, in := Choice{Caller: wire.Dir{Name: here}, As: stranger}.Look()
		if same != want || in.Rights != uint8(mode&7) || in.Mode&0o7777 != uint32(mode) || in.UID != 0 {
			t.Errorf("%o: %d, %+v", mode, same, in)
		}
	}
}
