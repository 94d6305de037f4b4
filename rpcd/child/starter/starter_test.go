package starter

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func lane(t testing.TB) *Lane {
	t.Helper()
	_ = unix.CloseRange(3, math.MaxInt32, unix.CLOSE_RANGE_CLOEXEC) // what go test has given us
	l, err := NewLanes(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(l[0].tx); unix.Close(l[0].rx) })
	return l[0]
}

func open(t testing.TB, name string) int {
	t.Helper()
	fd, err := unix.Open(name, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		fd, err = unix.Open(name, unix.O_PATH|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

// startAndWait starts a program, waits for its end and gives its status.
func startAndWait(t testing.TB, p *Program, l *Lane) (unix.WaitStatus, error) {
	t.Helper()
	a, err := Prepare(p, l)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := a.Run(-1)
	if fd >= 0 {
		unix.Close(fd)
	}
	var status unix.WaitStatus
	if a.PID() > 0 {
		if _, err := unix.Wait4(a.PID(), &status, 0, nil); err != nil {
			t.Fatal(err)
		}
	}
	return status, err
}

func program(t testing.TB, script string, files ...int) *Program {
	null := open(t, os.DevNull)
	for len(files) < 3 {
		files = append(files, null)
	}
	return &Program{Path: "/bin/sh", Argv: []string{"sh", "-c", script}, Env: []string{"A=b"}, Dir: open(t, "/"), Umask: 0o27, Files: files}
}

// However many descriptors a program gets, it gets those, by their numbers, and no
// other. Those of this process lie anywhere.
func TestDescriptors(t *testing.T) {
	l := lane(t)
	for _, n := range []int{0, 1, 3, 4, 40, 253, 400} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		out := int(w.Fd())
		files := make([]int, n)
		want := ""
		for i := range files {
			files[i] = out
			if i%7 == 3 {
				files[i] = -1
			} else {
				want += fmt.Sprintln(i)
			}
		}
		p := &Program{Path: "/bin/ls", Argv: []string{"ls", "-v", "/proc/self/fd"}, Dir: open(t, "/"), Files: files}
		if n < 2 {
			p.Path, p.Argv = "/bin/true", []string{"true"}
			want = ""
		}
		status, err := startAndWait(t, p, l)
		w.Close()
		got, _ := io.ReadAll(r)
		r.Close()
		lines := strings.Fields(string(got))
		if len(lines) > 0 { // the directory that ls reads
			used := map[string]bool{}
			for _, line := range strings.Fields(want) {
				used[line] = true
			}
			want = ""
			extra := 0
			for _, line := range lines {
				if used[line] {
					delete(used, line)
				} else {
					extra++
				}
			}
			if extra != 1 || len(used) != 0 {
				t.Errorf("%d files: %v are open, %v aren't", n, lines, used)
			}
		}
		if err != nil || status != 0 {
			t.Errorf("%d files: %v, status %#x", n, err, status)
		}
	}
}

// The step that fails is told, and nothing stays in the lane.
func TestFailedSteps(t *testing.T) {
	l := lane(t)
	dir := t.TempDir()
	for _, c := range []struct {
		what   string
		change func(*Program)
		want   Error
	}{
		{"no program", func(p *Program) { p.Path = dir + "/none" }, Error{Execute, unix.ENOENT}},
		{"a directory", func(p *Program) { p.Path = dir }, Error{Execute, unix.EACCES}},
		{"no directory", func(p *Program) { p.Dir = p.Files[0] }, Error{Directory, unix.ENOTDIR}},
		{"a user that can't be", func(p *Program) { p.User = &User{UID: ^uint32(0)} }, Error{Become, unix.EINVAL}},
	} {
		p := program(t, "")
		c.change(p)
		_, err := startAndWait(t, p, l)
		var failed *Error
		if !errors.As(err, &failed) || *failed != c.want {
			t.Errorf("%s: %v, want %v", c.what, err, &c.want)
		}
		if status, err := startAndWait(t, program(t, "exit 3"), l); err != nil || status.ExitStatus() != 3 {
			t.Errorf("after %s: %v, %v", c.what, status, err)
		}
	}
	p := program(t, "")
	p.Files[1] = 999
	if _, err := Prepare(p, l); !errors.Is(err, unix.EBADF) {
		t.Errorf("a closed descriptor: %v", err)
	}
	p = program(t, "\x00")
	if _, err := Prepare(p, l); !errors.Is(err, unix.EINVAL) {
		t.Errorf("a NUL: %v", err)
	}
}

// BenchmarkStart beside what os/exec stands on. hold is how many descriptors this
// process has open meanwhile.
func BenchmarkStart(b *testing.B) {
	l := lane(b)
	p := program(b, "")
	p.Path, p.Argv = "/bin/true", []string{"true"}
	for _, hold := range []int{0, 1000} {
		for range hold {
			open(b, os.DevNull)
		}
		b.Run(fmt.Sprintf("starter/%d", hold), func(b *testing.B) {
			for b.Loop() {
				if _, err := startAndWait(b, p, l); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("ForkExec/%d", hold), func(b *testing.B) {
			files := []uintptr{uintptr(p.Files[0]), uintptr(p.Files[1]), uintptr(p.Files[2])}
			for b.Loop() {
				pidfd := -1
				pid, err := syscall.ForkExec(p.Path, p.Argv, &syscall.ProcAttr{Env: p.Env, Files: files, Sys: &syscall.SysProcAttr{Setsid: true, PidFD: &pidfd}})
				if err != nil {
					b.Fatal(err)
				}
				unix.Close(pidfd)
				_, _ = unix.Wait4(pid, nil, 0, nil)
			}
		})
	}
}
