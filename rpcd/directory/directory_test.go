package directory

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

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
func TestOpen(t *testing.T) {
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
		p, err := Choice{Caller: c.dir, Bridged: c.bridged, Workdirs: []string{c.procedure, c.serve}}.Open()
		if c.want == "" {
			if !isRefusal(err) {
				t.Errorf("%s: %v, %v; want no directory", what, p, err)
			}
			p.Close()
			continue
		}
		if err != nil || p.Name != c.want || p.PWD != c.want {
			t.Errorf("%s: %+v, %v; want %q", what, p, err, c.want)
			continue
		}
		if got, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(p.FD)); err != nil || got != c.want {
			t.Errorf("%s: the descriptor is of %q", what, got)
		}
		if flags, err := unix.FcntlInt(uintptr(p.FD), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("%s: the descriptor would leak", what)
		}
		p.Close()
	}
}

// isRefusal reports whether the error is one of a directory, and not of rpcd's own
// trouble.
func isRefusal(err error) bool {
	var callers *CallerError
	var workdir *WorkdirError
	return errors.As(err, &callers) || errors.As(err, &workdir)
}

// A name in /proc is no way to what rpcd holds open: another call's directory.
// fault: 66
func TestOpenOfRpcd(t *testing.T) {
	held, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	link := filepath.Join(t.TempDir(), "link")
	fd := "/proc/self/fd/" + strconv.Itoa(int(held.Fd()))
	if err := os.Symlink(fd, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{fd, fd + "/", fd + "/..", "/dev/fd/" + strconv.Itoa(int(held.Fd())), link, "/proc/self/cwd", "/proc/self/root", "/proc/thread-self/cwd/."} {
		p, err := Choice{Caller: wire.Dir{Name: name}, Workdirs: []string{"/"}}.Open()
		if !isRefusal(err) {
			p.Close()
			t.Errorf("%q led to %v, %v; want no directory", name, p, err)
		}
	}
}

// A directory is no lever: a relative name, or one beyond a file, opens none.
func TestOpenNames(t *testing.T) {
	for _, name := range []string{"/etc/passwd", "/etc/passwd/..", "/no/such", strings.Repeat("/x", 3000)} {
		if p, err := (Choice{Caller: wire.Dir{Name: name}, Bridged: true}).Open(); err == nil {
			p.Close()
			t.Errorf("%.30q was opened", name)
		}
	}
}

// A procedure is told its caller's name for the directory where that leads to the
// same one, and else the directory's own.
func TestPWD(t *testing.T) {
	top := t.TempDir()
	in := func(name string) string { return top + "/" + name }
	for _, err := range []error{
		os.Mkdir(in("real"), 0o755), os.Mkdir(in("other"), 0o755), os.Mkdir(in("workdir"), 0o755),
		os.Symlink("real", in("link")), os.Symlink("none", in("dangling")), os.Symlink("loop", in("loop")), os.WriteFile(in("file"), nil, 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	real, gone := proven(t, in("real")), wire.Dir{Name: in("gone"), Proven: true}
	for _, c := range []struct {
		dir     wire.Dir
		logical string
		want    string
	}{
		{real, "", in("real")},
		{real, in("link"), in("link")},
		{real, in("link/"), in("link/")},
		{real, in("./link"), in("real")},
		{real, in("other/../link"), in("real")},
		{real, in("other"), in("real")},
		{real, in("dangling"), in("real")},
		{real, in("loop"), in("real")},
		{real, in("file"), in("real")},
		{real, in("none"), in("real")},
		{real, in(strings.Repeat("x/", 3000)), in("real")},
		{real, "/proc/self/cwd", in("real")},
		{wire.Dir{Name: in("link")}, "", in("link")},
		{wire.Dir{Name: in("other/../link")}, "", in("real")},
		{wire.Dir{Name: in("other/../link")}, in("link"), in("link")},
		{wire.Dir{Name: in("link/..")}, in("real"), top},
		{gone, in("link"), in("workdir")},
		{gone, in("workdir/"), in("workdir/")},
	} {
		p, err := Choice{Caller: c.dir, Logical: c.logical, Workdirs: []string{in("workdir")}}.Open()
		if err != nil || p.PWD != c.want {
			t.Errorf("%+v, %q: %+v, %v; want %q", c.dir, c.logical, p, err, c.want)
		}
		p.Close()
	}
}

// A file is looked up in the directory that was entered.
func TestMode(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/tool", nil, 0o755); err != nil {
		t.Fatal(err)
	}
	p, err := Choice{Caller: wire.Dir{Name: dir}}.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if mode, err := p.Mode("../" + filepath.Base(dir) + "/tool"); err != nil || mode != unix.S_IFREG|0o755 {
		t.Errorf("%o, %v", mode, err)
	}
	if _, err := p.Mode("./none"); !errors.Is(err, unix.ENOENT) {
		t.Errorf("%v, want ENOENT", err)
	}
}
