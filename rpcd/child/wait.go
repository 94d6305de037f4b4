package child

import (
	"errors"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Status is how a process ended and what it used.
type Status struct {
	Wait         uint32 // the status of wait(2)
	User, System time.Duration
	MaxRSS       uint64 // the most memory that it had at a time, in KiB; 0: not known
}

// Wait waits for the leader's end without reaping it, so that it may be called
// again. Of a process with a terminal it gives the end of that. It fails only where somebody else reaped the leader.
func (c *Child) Wait() (Status, error) {
	var info unix.Siginfo
	var usage unix.Rusage
	wait := func(options int) error {
		for {
			info = unix.Siginfo{}
			err := unix.Waitid(unix.P_PID, c.pid, &info, unix.WEXITED|unix.WNOWAIT|options, &usage)
			if !errors.Is(err, unix.EINTR) {
				return err
			}
		}
	}
	var err error
	if c.pidfd != nil {
		err = c.poll(func() (bool, error) {
			err := wait(unix.WNOHANG)
			return err != nil || info.Signo != 0, err
		})
	} else {
		err = wait(0) // blocks a thread
	}
	if err != nil {
		return Status{}, err
	}
	end := waitStatus(info.Code, statusOf(&info))
	if c.job != nil {
		if s, told := c.job.end(); told {
			return s, nil
		}
		if unix.WaitStatus(end).Exited() { // the leader's exit says nothing of the procedure; it must not look like 0
			end = uint32(unix.SIGKILL)
		}
	}
	return Status{
		Wait:   end,
		User:   time.Duration(usage.Utime.Nano()),
		System: time.Duration(usage.Stime.Nano()),
		MaxRSS: ownMemory(uint64(usage.Maxrss)),
	}, nil
}

// poll calls done at once, and then whenever the pidfd becomes readable, until
// done says true.
func (c *Child) poll(done func() (bool, error)) error {
	rc, err := c.pidfd.SyscallConn()
	if err != nil {
		return err
	}
	var derr error
	err = rc.Read(func(uintptr) bool {
		var ok bool
		ok, derr = done()
		return ok
	})
	if derr != nil {
		return derr
	}
	return err
}

// statusOf reads si_status, for which golang.org/x/sys has no field. Before it
// stand three ints, padding where pointers are longer, si_pid and si_uid
// (sigaction(2), include/uapi/asm-generic/siginfo.h).
func statusOf(info *unix.Siginfo) int32 {
	const head = (3*4 + unsafe.Sizeof(uintptr(0)) - 1) / unsafe.Sizeof(uintptr(0)) * unsafe.Sizeof(uintptr(0))
	return *(*int32)(unsafe.Add(unsafe.Pointer(info), head+8))
}

// The values of si_code after SIGCHLD, sigaction(2).
const (
	cldExited = 1
	cldKilled = 2
	cldDumped = 3
)

// waitStatus converts waitid(2)'s si_code and si_status to wait(2)'s status.
func waitStatus(code, status int32) uint32 {
	switch code {
	case cldExited:
		return uint32(status&0xff) << 8
	case cldDumped:
		return uint32(status&0x7f) | 0x80
	}
	return uint32(status & 0x7f)
}
