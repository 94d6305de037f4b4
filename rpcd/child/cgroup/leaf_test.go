package cgroup

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"rpcd/internal/names"
	"rpcd/internal/testkit"
)

// contain makes a parent for a test, and checks that Close leaves nothing of it.
func contain(t *testing.T) *Parent {
	t.Helper()
	p, err := Contain(Host{Forking: &sync.Mutex{}, Wake: func() {}})
	if err != nil {
		testkit.Lack(t, "cgroups can't be made here: %v", err)
	}
	t.Cleanup(func() {
		p.Close()
		if _, err := os.Stat(p.Path()); err == nil {
			t.Errorf("%s is left", p.Path())
		}
		goleak.VerifyNone(t)
	})
	return p
}

// leaves counts the leaves that are there.
func leaves(t *testing.T, p *Parent) (n int) {
	t.Helper()
	p.walk(func(dir) { n++ })
	return n - 1
}

// After a burst of calls MaxFreeCgroups leaves are kept, and the others are removed.
func TestLeavesOfManyCalls(t *testing.T) {
	p := contain(t)
	var all []*Leaf
	for range names.MaxFreeCgroups + 20 {
		all = append(all, p.Take())
	}
	if n := leaves(t, p); n != len(all) {
		t.Errorf("%d leaves for %d calls", n, len(all))
	}
	for _, l := range all {
		if !l.Empty() {
			t.Errorf("%s isn't empty", l.Path())
		}
		l.Give()
	}
	if n := leaves(t, p); n != names.MaxFreeCgroups || len(p.free) != names.MaxFreeCgroups {
		t.Errorf("%d leaves, %d of them free; want %d", n, len(p.free), names.MaxFreeCgroups)
	}
	p.Take().Give()
	retired := p.Take()
	retired.Retire()
	retired.Give()
	if n := leaves(t, p); n != names.MaxFreeCgroups-1 {
		t.Errorf("%d leaves after one was retired, want %d", n, names.MaxFreeCgroups-1)
	}
}

// Fork goes outside of the leaf only where the leaf takes no process, and never
// lets the caller keep a leaf without one.
// fault: 113
func TestFork(t *testing.T) {
	p := contain(t)
	odd := errors.New("odd")
	for _, c := range []struct {
		name    string
		invalid bool    // the leaf takes no process
		inside  []error // of the tries in the leaf
		outside error   // of the try without it
		tries   int
		in      bool
		want    error
		kept    int // leaves afterwards, all of them free
	}{
		{"inside", false, []error{nil}, odd, 1, true, nil, 0},
		{"the program's error", false, []error{unix.ENOENT}, nil, 1, false, unix.ENOENT, 1},
		{"the cgroup's error", true, []error{unix.EOPNOTSUPP}, nil, 2, false, nil, 0},
		{"the cgroup's error, and then the program's", true, []error{unix.EOPNOTSUPP}, unix.ENOENT, 2, false, unix.ENOENT, 0},
		{"an error of the cgroup's that passes", false, []error{unix.EBUSY, nil}, odd, 2, true, nil, 0},
		{"the program's, which may be the cgroup's", false, []error{unix.EACCES, unix.EACCES}, nil, 2, false, unix.EACCES, 1},
		{"a folder that its caller closes and opens", false, []error{unix.EACCES, nil}, nil, 2, true, nil, 0},
		{"and closes for another reason", false, []error{unix.EACCES, unix.ENOENT}, nil, 2, false, unix.ENOENT, 1},
	} {
		for len(p.free) > 0 {
			l := p.Take()
			l.Retire()
			l.Give()
		}
		l, tries := p.Take(), 0
		var threaded *Leaf
		if c.invalid { // the leaf of another call makes it so (cgroups(7), "domain invalid")
			threaded = p.Take()
			if err := os.WriteFile(filepath.Join(threaded.Path(), "cgroup.type"), []byte("threaded"), 0); err != nil {
				t.Fatal(err)
			}
		}
		in, err := l.Fork(func(fd int) error {
			tries++
			if fd < 0 {
				return c.outside
			}
			if path, err := os.Readlink(filepath.Join("/proc/self/fd", strconv.Itoa(fd))); err != nil || path != l.Path() {
				t.Errorf("%s: its descriptor is %q, %v", c.name, path, err)
			}
			return c.inside[tries-1]
		})
		if (in == l) != c.in || err != c.want || tries != c.tries || len(p.free) != c.kept {
			t.Errorf("%s: in %v, %v after %d tries, %d free; want %+v", c.name, in == l, err, tries, len(p.free), c)
		}
		in.Give()
		if threaded != nil {
			_ = threaded.remove()
		}
	}
	if in, err := (*Leaf)(nil).Fork(func(fd int) error {
		if fd != -1 {
			t.Errorf("nil has descriptor %d", fd)
		}
		return odd
	}); in != nil || err != odd {
		t.Errorf("nil: %v, %v", in, err)
	}
}
