package rpcd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/export"
	"rpcd/rpcd/wire"
)

// proven is what a caller says of a directory of its own.
func proven(t *testing.T, name string) wire.Dir {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(name, &st); err != nil {
		t.Fatal(err)
	}
	return wire.Dir{Name: name, Proven: true, Dev: uint64(st.Dev), Inode: st.Ino}
}

// fault: 66
func TestOpenDir(t *testing.T) {
	here, other, mine, theirs := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	file := filepath.Join(here, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	stranger := proven(t, other)
	stranger.Name = here // the same name, another directory
	gone := wire.Dir{Name: filepath.Join(here, "gone"), Proven: true, Dev: 1, Inode: 2}
	for what, c := range map[string]struct {
		dir       wire.Dir
		bridged   bool
		procedure string // its workdir
		serve     string
		want      string // "": refused
	}{
		"the same":                         {dir: proven(t, here), want: here},
		"the same wins over workdirs":      {dir: proven(t, here), procedure: mine, serve: theirs, want: here},
		"another of that name":             {dir: stranger},
		"another, with a workdir":          {dir: stranger, procedure: mine, serve: theirs, want: mine},
		"another, with serve's":            {dir: stranger, serve: theirs, want: theirs},
		"bridged goes by name":             {dir: stranger, bridged: true, want: here},
		"by hand":                          {dir: wire.Dir{Name: here}, want: here},
		"by hand, gone":                    {dir: wire.Dir{Name: gone.Name}},
		"by hand, gone, never the workdir": {dir: wire.Dir{Name: gone.Name}, procedure: mine, serve: theirs},
		"by hand, a file":                  {dir: wire.Dir{Name: file}, serve: theirs},
		"gone":                             {dir: gone},
		"gone, with a workdir":             {dir: gone, serve: theirs, want: theirs},
		"bridged, gone, with a workdir":    {dir: gone, bridged: true, serve: theirs, want: theirs},
		"none":                             {dir: wire.Dir{Proven: true}},
		"none, with a workdir":             {dir: wire.Dir{Proven: true}, procedure: mine, want: mine},
		"a workdir that is gone":           {dir: stranger, procedure: gone.Name, serve: theirs},
	} {
		s := &Server{Config: Config{Workdir: c.serve}}
		fd, name, err := s.openDir(c.dir, c.bridged, &export.Procedure{Name: "x", Workdir: c.procedure}, nil)
		if c.want == "" {
			if code(err) != wire.NoDirectory {
				t.Errorf("%s: %q, %v; want no directory", what, name, err)
			}
			if err == nil {
				unix.Close(fd)
			}
			continue
		}
		if err != nil || name != c.want {
			t.Errorf("%s: %q, %v; want %q", what, name, err, c.want)
			continue
		}
		if got, err := os.Readlink("/proc/self/fd/" + itoa(fd)); err != nil || got != c.want {
			t.Errorf("%s: the descriptor is of %q", what, got)
		}
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%s: the descriptor would leak", what)
		}
		unix.Close(fd)
	}
}

// What rpcd knows and can't enter isn't called a directory that isn't shared.
// fault: 66
func TestNoDirectorysWords(t *testing.T) {
	here := wire.Dir{Name: "/x", Proven: true}
	for _, c := range []struct {
		dir  wire.Dir
		err  error
		want string
	}{
		{here, unix.ENOENT, wire.NotShared + ` "/x": no such`},
		{here, unix.ENOTDIR, wire.NotShared},
		{here, errOther, wire.NotShared},
		{here, unix.EACCES, `cannot enter the directory "/x": permission denied (rpcd runs as `},
		{here, unix.ELOOP, `cannot enter the directory "/x": `},
		{wire.Dir{Name: "/x"}, unix.ENOENT, `has no directory "/x": no such`},
		{wire.Dir{Name: "/x"}, unix.EACCES, `cannot enter the directory "/x": permission denied`},
	} {
		if m := noDirectory(c.dir, c.err, nil); m.Code != wire.NoDirectory || !strings.HasPrefix(m.Text, c.want) {
			t.Errorf("%v: %q, want %q", c.err, m.Text, c.want)
		}
	}
}

// A name in /proc is no way to what rpcd holds open: another call's directory.
// fault: 66
func TestOpenDirOfRpcd(t *testing.T) {
	held, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	link := filepath.Join(t.TempDir(), "link")
	fd := "/proc/self/fd/" + itoa(int(held.Fd()))
	if err := os.Symlink(fd, link); err != nil {
		t.Fatal(err)
	}
	s := &Server{Config: Config{Workdir: "/"}}
	for _, name := range []string{fd, fd + "/", fd + "/..", "/dev/fd/" + itoa(int(held.Fd())), link, "/proc/self/cwd", "/proc/self/root", "/proc/thread-self/cwd/."} {
		fd, dir, err := s.openDir(wire.Dir{Name: name}, false, &export.Procedure{}, nil)
		if code(err) != wire.NoDirectory {
			unix.Close(fd)
			t.Errorf("%q led to %q, %v; want no directory", name, dir, err)
		}
	}
}

// A directory is no lever: a relative name, or one beyond a file, opens none.
func TestOpenDirNames(t *testing.T) {
	s := &Server{}
	for _, name := range []string{"/etc/passwd", "/etc/passwd/..", "/no/such", strings.Repeat("/x", 3000)} {
		if fd, _, err := s.openDir(wire.Dir{Name: name}, true, &export.Procedure{}, nil); err == nil {
			unix.Close(fd)
			t.Errorf("%.30q was opened", name)
		}
	}
}
