package fdconn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestDescriptorsPass(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	null := open(t, 1)[0]
	if err := b.WriteDescriptors([]byte("frame"), []int{null, int(w.Fd()), null}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	got := make([]byte, 5)
	if _, err := io.ReadFull(a, got); err != nil || string(got) != "frame" {
		t.Fatalf("read %q, %v", got, err)
	}
	fds, truncated := taken(a)
	defer closeFDs(fds)
	if len(fds) != 3 || truncated {
		t.Fatalf("got %d descriptors, truncated %v; want 3, false", len(fds), truncated)
	}
	for _, fd := range fds {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
			t.Errorf("descriptor %d: flags %#x, %v: it would leak into children", fd, flags, err)
		}
	}
	// The second descriptor is the pipe: the order is kept, and so is the open file.
	if _, err := unix.Write(fds[1], []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, got[:1]); err != nil || got[0] != 'x' {
		t.Fatalf("through the passed pipe came %q, %v", got[:1], err)
	}
	if again, _ := taken(a); len(again) != 0 {
		t.Errorf("taken twice: %v", again)
	}
}

// A descriptor arrives with the first byte of its frame, even if the frame is
// read byte by byte. The next frame doesn't bring it again.
func TestDescriptorsRideOnTheFirstByte(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	if err := b.WriteFrame([]byte("before")); err != nil {
		t.Fatal(err)
	}
	if err := b.WriteDescriptors([]byte("with"), open(t, 2)); err != nil {
		t.Fatal(err)
	}
	for range "before" {
		readByte(t, a)
	}
	if fds, _ := taken(a); len(fds) != 0 {
		closeFDs(fds)
		t.Fatalf("%d descriptors came before their frame", len(fds))
	}
	readByte(t, a)
	fds, _ := taken(a)
	closeFDs(fds)
	if len(fds) != 2 {
		t.Fatalf("%d descriptors with the first byte, want 2", len(fds))
	}
}

// A frame that is too large for one sendmsg(2) brings its descriptors only once.
func TestDescriptorsOfABigFrame(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	const size = 4 << 20 // bytes; more than a socket's buffer holds
	sent := make(chan error, 1)
	null := open(t, 1)
	go func() { sent <- b.WriteDescriptors(make([]byte, size), null) }()
	if _, err := io.CopyN(io.Discard, a, size); err != nil {
		t.Fatal(err)
	}
	if err := <-sent; err != nil {
		t.Fatal(err)
	}
	fds, _ := taken(a)
	closeFDs(fds)
	if len(fds) != 1 {
		t.Errorf("%d descriptors came, 1 was sent", len(fds))
	}
}

// Passing a descriptor doesn't change its flags: it doesn't get O_NONBLOCK.
// fault: 39
func TestPassedDescriptorKeepsItsFlags(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	var p [2]int
	if err := unix.Pipe2(p[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	defer closeFDs(p[:])
	if err := b.WriteDescriptors([]byte{1}, p[:1]); err != nil {
		t.Fatal(err)
	}
	readByte(t, a)
	fds, _ := taken(a)
	defer closeFDs(fds)
	for _, fd := range append(fds, p[0]) {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
			t.Errorf("descriptor %d: flags %#x, %v", fd, flags, err)
		}
	}
}

// fault: 33
func TestMostDescriptors(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	fds := open(t, MaxDescriptors+1)
	if err := b.WriteDescriptors([]byte{1}, fds); !errors.Is(err, unix.EINVAL) {
		t.Errorf("%d descriptors: %v, want EINVAL", len(fds), err)
	}
	if err := b.WriteDescriptors([]byte{1}, fds[:MaxDescriptors]); err != nil {
		t.Fatalf("%d descriptors: %v", MaxDescriptors, err)
	}
	readByte(t, a)
	got, truncated := taken(a)
	defer closeFDs(got)
	if len(got) != MaxDescriptors || truncated {
		t.Errorf("got %d, truncated %v; want %d, false", len(got), truncated, MaxDescriptors)
	}
}

// Several frames bring more descriptors than a call can have, and nobody takes
// them. Read then fails, and closes all of them.
// fault: 33 34
func TestTooManyDescriptorsAreClosed(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	fds := open(t, 200)
	for range 2 {
		if err := b.WriteDescriptors([]byte{1}, fds); err != nil {
			t.Fatal(err)
		}
	}
	readByte(t, a)
	var buf [1]byte
	if _, err := a.Read(buf[:]); err == nil {
		t.Error("400 descriptors were taken without an error")
	}
	if got, _ := taken(a); len(got) != 0 {
		closeFDs(got)
		t.Errorf("%d descriptors were kept", len(got))
	}
}

func TestFilesThatNobodyTook(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	defer b.Close()
	if err := b.WriteDescriptors([]byte{1}, open(t, 20)); err != nil {
		t.Fatal(err)
	}
	readByte(t, a)
	a.Close()
	a.TakeFiles().Close()
}

// Closing the connection also closes descriptors that nobody has read.
// fault: 34
func TestUnreadDescriptors(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	if err := b.WriteDescriptors([]byte{1}, open(t, 20)); err != nil {
		t.Fatal(err)
	}
	a.Close()
	b.Close()
}

// A Conn of Dial gets no descriptors: the kernel closes those that arrive.
func TestCallersEndTakesNone(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	if err := a.WriteDescriptors([]byte{1}, open(t, 3)); err != nil {
		t.Fatal(err)
	}
	readByte(t, b)
	if fds, _ := taken(b); len(fds) != 0 {
		t.Errorf("the caller's end took %d descriptors", len(fds))
	}
}

// A receiver at its limit of open files sees that descriptors are missing.
// fault: 18
func TestTruncated(t *testing.T) {
	for _, room := range []int{0, 3} {
		runHelper(t, helper(t, "truncated", strconv.Itoa(room)))
	}
}

func init() {
	helpers["truncated"] = func(args []string) error {
		room, err := strconv.Atoi(args[0])
		if err != nil {
			return err
		}
		a, b, err := Pair()
		if err != nil {
			return err
		}
		null, err := unix.Open(os.DevNull, unix.O_RDONLY, 0)
		if err != nil {
			return err
		}
		// The limit leaves exactly room numbers free.
		next, err := unix.Dup(null)
		if err != nil {
			return err
		}
		unix.Close(next)
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: uint64(next + room), Max: uint64(next + room)}); err != nil {
			return err
		}
		if err := b.WriteDescriptors([]byte("f"), []int{null, null, null, null, null}); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		var buf [1]byte
		if _, err := io.ReadFull(a, buf[:]); err != nil {
			return fmt.Errorf("read: %w", err)
		}
		fds, truncated := taken(a)
		if len(fds) != room || !truncated {
			return fmt.Errorf("%d descriptors, truncated %v; want %d, true", len(fds), truncated, room)
		}
		if _, truncated := taken(a); truncated {
			return errors.New("truncated sticks to the next frame")
		}
		return nil
	}
}

// Frames of many goroutines don't mix, not even large ones.
func TestFramesAreWhole(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	defer a.Close()
	const writers, each, size = 8, 20, 100_000
	errs := make(chan error, writers)
	for i := range writers {
		go func() {
			frame := bytes.Repeat([]byte{byte('a' + i)}, size)
			for range each {
				if err := b.WriteFrame(frame); err != nil {
					errs <- err
					return
				}
			}
			errs <- nil
		}()
	}
	buf := make([]byte, size)
	for n := range writers * each {
		if _, err := io.ReadFull(a, buf); err != nil {
			t.Fatal(err)
		}
		if rest := strings.Trim(string(buf), string(buf[:1])); rest != "" {
			t.Fatalf("frame %d is mixed with %q", n, rest[:1])
		}
	}
	for range writers {
		if err := <-errs; err != nil {
			t.Fatal(err)
		}
	}
	b.Close()
	if n, err := a.Read(buf); n != 0 || err != io.EOF {
		t.Errorf("after the other side's Close: %d, %v; want 0, EOF", n, err)
	}
}

// taken takes the descriptors that arrived. The caller closes them.
func taken(c *Conn) (fds []int, truncated bool) {
	f := c.TakeFiles()
	return f.fds, f.Truncated
}

// A second Close does nothing, since another file may have the number by then.
func TestFilesCloseOnce(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	if err := b.WriteDescriptors([]byte{1}, open(t, 1)); err != nil {
		t.Fatal(err)
	}
	readByte(t, a)
	files := a.TakeFiles()
	number := files.At(0)
	files.Close()
	again, err := unix.Dup(0)
	if err != nil || again != number {
		t.Fatalf("the freed number is %d, the next descriptor %d (%v)", number, again, err)
	}
	files.Close()
	if err := unix.Close(again); err != nil {
		t.Errorf("a second Close took another's descriptor: %v", err)
	}
}

// A byte sent out of band is a byte as any other, and brings its descriptor. The
// kernel would close it within Read, which may wait.
// fault: 140
func TestOutOfBand(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	rc, err := b.s.Load().SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	null := open(t, 1)
	defer closeFDs(null)
	if err := rc.Control(func(fd uintptr) {
		_, err = unix.SendmsgN(int(fd), []byte{1}, unix.UnixRights(null...), nil, unix.MSG_OOB)
	}); err != nil || errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("this kernel has no such bytes") // before Linux 5.15
	}
	if err != nil {
		t.Fatal(err)
	}
	readByte(t, a)
	fds, _ := taken(a)
	defer closeFDs(fds)
	if len(fds) != 1 {
		t.Errorf("%d descriptors came with a byte out of band", len(fds))
	}
}

// What brings descriptors stays unread while their owner has too many, and what brings
// none is read.
// fault: 160
func TestFullOwner(t *testing.T) {
	noLeak(t)
	a, b := pair(t)
	defer a.Close()
	defer b.Close()
	full := false
	a.Charge(7, func(uint32) bool { return full })
	null := open(t, 1)
	defer closeFDs(null)
	write := func(fds []int) {
		if err := b.WriteDescriptors([]byte{1}, fds); err != nil {
			t.Fatal(err)
		}
	}
	write(null)
	readByte(t, a)
	fds, _ := taken(a)
	closeFDs(fds)
	if len(fds) != 1 {
		t.Errorf("%d descriptors came while there was room", len(fds))
	}
	full = true
	write(nil)
	readByte(t, a)
	write(null)
	if _, err := a.Read(make([]byte, 1)); !errors.Is(err, ErrFull) || a.Held() != 0 {
		t.Errorf("%v, and %d descriptors", err, a.Held())
	}
}

func init() {
	helpers["crowded"] = func([]string) error {
		const limit = 4*room + 10
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			return err
		}
		a, b, err := Pair()
		if err != nil {
			return err
		}
		a.Charge(7, func(uint32) bool { return false })
		send := func() error {
			if err := b.WriteDescriptors([]byte{1}, []int{0}); err != nil {
				return err
			}
			_, err := a.Read(make([]byte, 1))
			a.TakeFiles().Close()
			return err
		}
		var held []int
		for last := 0; last < limit-room-1; held = append(held, last) {
			if last, err = unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, 0); err != nil {
				return err
			}
		}
		if err := send(); err != nil {
			return fmt.Errorf("the last that finds room: %w", err)
		}
		if err := send(); !errors.Is(err, ErrFull) {
			return fmt.Errorf("one more: %v, want ErrFull", err)
		}
		closeFDs(held)
		_, err = a.Read(make([]byte, 1))
		return err
	}
}

// What brings descriptors stays unread while this process has hardly any left: the
// kernel would close what finds no number, in the thread that reads.
// fault: 162
func TestCrowdedTable(t *testing.T) { runHelper(t, helper(t, "crowded")) }
