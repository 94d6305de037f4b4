package child

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"rpcd/internal/testkit"
)

// With RunAs no process has rpcd's session keyring, nor another process's: neither
// the callers' nor those that run as rpcd's own user.
// fault: 112
func TestSessionKeyrings(t *testing.T) {
	if os.Getuid() != 0 {
		testkit.Lack(t, "other users need root")
	}
	if _, err := exec.LookPath("perl"); err != nil {
		testkit.Lack(t, "perl is not installed")
	}
	if _, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false); err != nil {
		testkit.Lack(t, "no keyrings here: %v", err)
	}
	const words = `($type, $name, $key) = ("user", "secret", "hunter2"); ` // Perl gives syscall(2) no constants
	// rpcd is started in a session keyring with a secret.
	start := fmt.Sprintf(words+`syscall(%d, 1, 0); syscall(%d, $type, $name, $key, 7, -3); exec @ARGV`, unix.SYS_KEYCTL, unix.SYS_ADD_KEY)
	if !alone(t, "perl", "-e", start) {
		return
	}
	look := fmt.Sprintf(words+`print syscall(%d, 0, -3, 0), " ", syscall(%[1]d, 10, -3, $type, $name, 0) > 0 ? "secret" : "none"`, unix.SYS_KEYCTL)
	own, _ := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
	ask := func(as *Credential) (id int, found string) {
		s := shell(t, nil, `exec perl -e "$1"`, look)
		s.As = as
		if _, err := fmt.Sscan(output(t, s), &id, &found); err != nil {
			t.Fatal(err)
		}
		return id, found
	}
	if id, found := ask(nil); id != own || found != "secret" {
		t.Errorf("without RunAs: keyring %d and %s, rpcd's is %d", id, found, own)
	}
	if err := RunAs(); err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{own: true}
	for range 20 {
		for _, as := range []*Credential{{UID: 4141, GID: 4141}, nil, {UID: 4242, GID: 4242}} {
			id, found := ask(as)
			if seen[id] || found != "none" {
				t.Errorf("as %v: keyring %d, seen before: %v; %s", as, id, seen[id], found)
			}
			seen[id] = true
		}
	}
	if now, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false); err == nil && now != own && seen[now] {
		t.Errorf("rpcd has the keyring %d of a call", now)
	}
}
