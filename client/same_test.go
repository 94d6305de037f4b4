package client

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Two openings are one to a reader if they have no position of their own.
func TestJoined(t *testing.T) {
	dir := t.TempDir()
	open := func(name string, flags int) int {
		t.Helper()
		fd, err := unix.Open(name, flags|unix.O_CLOEXEC|unix.O_CREAT|unix.O_NOCTTY, 0o600)
		if err != nil {
			t.Fatalf("open %s: %v", name, err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		return fd
	}
	file := filepath.Join(dir, "file")
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	reader := open(fifo, unix.O_RDONLY|unix.O_NONBLOCK)
	a, b := open(fifo, unix.O_WRONLY), open(fifo, unix.O_RDWR)
	appended, also := open(file, unix.O_WRONLY|unix.O_APPEND), open(file, unix.O_RDWR|unix.O_APPEND)
	terminal := func() (master int, name string) {
		master = open("/dev/ptmx", unix.O_RDWR)
		n, err := unix.IoctlGetInt(master, unix.TIOCGPTN)
		if err == nil {
			err = unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		return master, fmt.Sprintf("/dev/pts/%d", n)
	}
	master, name := terminal()
	master2, name2 := terminal()
	slave := open(name, unix.O_RDWR)
	for what, c := range map[string]struct {
		a, b         int
		joined, same bool
	}{
		"a FIFO":                       {a, b, true, false},
		"a FIFO's reading end":         {reader, a, false, false},
		"a descriptor itself":          {a, a, true, true},
		"a file to which both append":  {appended, also, true, false},
		"a file to which one appends":  {appended, open(file, unix.O_WRONLY), false, false},
		"a file to which none appends": {open(file, unix.O_WRONLY), open(file, unix.O_WRONLY), false, false},
		"two files":                    {appended, open(file+"2", unix.O_WRONLY|unix.O_APPEND), false, false},
		"an appended file, to be read": {appended, open(file, unix.O_RDONLY|unix.O_APPEND), false, false},
		"a file and a FIFO":            {appended, a, false, false},
		"a terminal":                   {slave, open(name, unix.O_WRONLY), true, false},
		"two terminals":                {slave, open(name2, unix.O_RDWR), false, false},
		"a terminal and its master":    {slave, master, false, false},
		"two masters":                  {master, master2, false, false},
		"a device that is no terminal": {open(os.DevNull, unix.O_RDWR), open(os.DevNull, unix.O_RDWR), false, false},
	} {
		if joined, same := joined(c.a, c.b), sameOpen(c.a, c.b); joined != c.joined || same != c.same {
			t.Errorf("%s: joined %v, the same %v", what, joined, same)
		}
		if joined := joined(c.b, c.a); joined != c.joined {
			t.Errorf("%s, the other way round: joined %v", what, joined)
		}
	}
}
