package ring

import (
	"testing"

	"golang.org/x/sys/unix"

	"rpcd/rpcd/wire"
)

// What its maker writes the others read, and no slot reaches into the next.
func TestRing(t *testing.T) {
	m := wire.Ring{Number: 1, Slots: 3, Size: 8192}
	mine, fd, err := New(m)
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	theirs, err := Open(fd, m)
	unix.Close(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Close()
	copy(mine.Slot(2, 8192), "abc")
	if b := theirs.Slot(2, 3); string(b) != "abc" || cap(b) != 3 || theirs.Slot(1, 1)[0] != 0 {
		t.Errorf("%q, with room for %d", b, cap(b))
	}
	for _, c := range []struct {
		index uint32
		n     uint64
	}{{3, 0}, {0, 8193}, {1 << 31, 1}, {0, 1 << 63}} {
		if b := theirs.Slot(c.index, c.n); b != nil {
			t.Errorf("slot %d has %d bytes", c.index, len(b))
		}
	}
}

// Rings that are none aren't made.
func TestNoRing(t *testing.T) {
	for _, m := range []wire.Ring{{}, {Number: 1, Slots: 1025, Size: 4096}, {Number: 1, Slots: 1, Size: 100}} {
		if r, fd, err := New(m); err == nil {
			r.Close()
			unix.Close(fd)
			t.Errorf("%+v", m)
		}
	}
}
