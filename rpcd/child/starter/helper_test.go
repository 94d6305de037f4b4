package starter

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
)

func helper(t testing.TB) *Helper {
	t.Helper()
	h, err := NewHelper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

var null = append([]byte(os.DevNull), 0)

// A helper opens and closes descriptors of this process, one job after the other.
func TestHelper(t *testing.T) {
	h := helper(t)
	for range 100 {
		open := []Call{{Number: unix.SYS_OPENAT, Args: [6]uintptr{0, address(&null[0]), unix.O_CLOEXEC}}, {Number: unix.SYS_OPENAT, Args: [6]uintptr{0, 0}}}
		if err := h.Do(open); err != nil {
			t.Fatal(err)
		}
		fd := int(open[0].Result)
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || open[1].Result != -int32(unix.EFAULT) {
			t.Fatalf("%d, %d: %v", fd, open[1].Result, err)
		}
		if err := h.Do([]Call{{Number: unix.SYS_CLOSE, Args: [6]uintptr{uintptr(fd)}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
			t.Fatalf("%d is open: %v", fd, err)
		}
	}
}

// A helper that is killed in a job, or before it, says which calls it has made.
func TestHelperGone(t *testing.T) {
	for _, calls := range [][]Call{
		{{Number: unix.SYS_GETPID}, {Number: unix.SYS_KILL, Args: [6]uintptr{0, uintptr(unix.SIGKILL)}}, {Number: unix.SYS_GETPID}},
	} {
		h := helper(t)
		self := []Call{{Number: unix.SYS_GETPID}}
		if err := h.Do(self); err != nil || self[0].Result <= 0 {
			t.Fatalf("%d, %v", self[0].Result, err)
		}
		calls[1].Args[0] = uintptr(self[0].Result)
		testkit.Within(t, "a job that kills the helper", func() {
			if err := h.Do(calls); !errors.Is(err, ErrGone) || calls[0].Result != self[0].Result || calls[2].Result != Unmade {
				t.Errorf("%+v, %v", calls, err)
			}
			if err := h.Do(self); err != nil || self[0].Result == calls[0].Result {
				t.Errorf("the next process: %+v, %v", self, err)
			}
		})
	}
}

func BenchmarkHelper(b *testing.B) {
	h := helper(b)
	b.Run("kept", func(b *testing.B) {
		for b.Loop() {
			if err := h.Do([]Call{{Number: unix.SYS_GETPID}}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			h := helper(b)
			if err := h.Do([]Call{{Number: unix.SYS_GETPID}}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// A helper ends with this process, also where that is killed before the helper has
// asked for a signal then.
// fault: 167
func TestHelperOutlivesNobody(t *testing.T) {
	const variable = "STARTER_TEST_VICTIM"
	if os.Getenv(variable) != "" {
		calls := []Call{{Number: unix.SYS_PRCTL, Args: [6]uintptr{unix.PR_SET_PDEATHSIG, 0}}, {Number: unix.SYS_GETPID}}
		if err := helper(t).Do(calls); err != nil {
			t.Fatal(err)
		}
		fmt.Println("helper", calls[1].Result)
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
		select {}
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestHelperOutlivesNobody$")
	cmd.Env = append(os.Environ(), variable+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscanf(testkit.Line(t, out), "helper %d", &pid); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Kill(pid, unix.SIGKILL) })
	testkit.Within(t, "the end of all that holds its stdout", func() { _, _ = io.Copy(io.Discard, out) })
	_ = cmd.Wait()
}
