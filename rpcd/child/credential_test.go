package child

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
)

// Whatever a change of the user has set rpcd's dumpable flag to (fs.suid_dumpable,
// which is the whole machine's), it is 0 afterwards. Where that is 0 the kernel sees to it, so
// this test only fails where it is 1.
// fault: 72
func TestStaysUndumpable(t *testing.T) {
	if os.Getuid() != 0 {
		testkit.Lack(t, "other users need root")
	}
	if !alone(t) {
		return
	}
	if err := RunAs(); err != nil {
		t.Fatal(err)
	}
	other := &Credential{UID: 4141, GID: 4141}
	for what, do := range map[string]func(){
		"looking at files": func() { _ = other.Files(func() error { return nil }) },
		"a start": func() {
			s := shell(t, nil, "")
			s.As = other
			c := start(t, s)
			wait(t, c)
			end(c, testkit.Limit)
		},
		"a start that fails": func() {
			s := shell(t, nil, "")
			s.As, s.Path = other, "/none"
			if _, err := Start(s); err == nil {
				t.Error("it starts")
			}
		},
	} {
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil { // as the kernel does it
			t.Fatal(err)
		}
		do()
		if is, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); is != 0 || err != nil {
			t.Errorf("after %s: %d, %v", what, is, err)
		}
	}
}
