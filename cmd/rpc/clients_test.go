package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rpcd/internal/testkit"
)

// sftpServer is where Debian has it.
const sftpServer = "/usr/lib/openssh/sftp-server"

// Programs with protocols of their own speak over a bridge, with the worker in the
// place of ssh. What they copy is compared. bench measures how long they take.
func TestRealClients(t *testing.T) {
	for _, c := range []struct {
		name, needs string
		script      string // $ASK runs a command line at the worker, $SFTP the SFTP server
	}{
		{"sftp", "sftp", `printf 'put -r tree got\nput big got/big\nget -r got back\n' | sftp -q -b - -S "$SFTP" h:"$PWD" >/dev/null
			diff -r tree back 2>&1 | grep -v '^Only in back: big$'; cmp big back/big`},
		{"sftp -D", "sftp", `printf 'get -r tree got\n' | sftp -q -b - -D "$RPC $W $SERVER" >/dev/null; diff -r tree got`},
		{"scp", "scp", `mkdir got; scp -q -r -S "$SFTP" tree big h:"$PWD/got"; diff -r tree got/tree; cmp big got/big`},
		{"scp back", "scp", `mkdir got; scp -q -r -S "$SFTP" h:"$PWD/tree" h:"$PWD/big" got; diff -r tree got/tree; cmp big got/big`},
		{"scp -O", "scp", `mkdir got; scp -O -q -r -S "$ASK" tree big h:"$PWD/got"; diff -r tree got/tree; cmp big got/big`},
		{"rmt", "tar rmt", `tar --rsh-command="$ASK" --rmt-command=rmt -cf 127.0.0.1:"$PWD/got" tree big; tar -df got
			mkdir back; tar --rsh-command="$ASK" --rmt-command=rmt -xf 127.0.0.1:"$PWD/got" -C back; diff -r tree back/tree; cmp big back/big`},
		{"sshfs", "sshfs fusermount3", `mkdir got mnt; sshfs -o ssh_command="$SFTP" h:"$PWD/got" mnt; cp -r tree big mnt
			diff -r tree mnt/tree; cmp big mnt/big; fusermount3 -u mnt; diff -r tree got/tree; cmp big got/big`},
	} {
		t.Run(c.name, func(t *testing.T) {
			testkit.Need(t, append(strings.Fields(c.needs), "socat")...)
			if _, err := os.Stat(sftpServer); err != nil {
				testkit.Lack(t, "%s isn't there (openssh-sftp-server)", sftpServer)
			}
			if c.name == "sshfs" {
				if f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0); err != nil {
					t.Skipf("SKIPPED: no file systems of users here: %v", err)
				} else {
					f.Close()
				}
			}
			w := startWorld(t, "bridge", "--all-commands")
			w.makeTree(t)
			rpc := w.rpc().Path
			cmd := exec.Command("timeout", "60", "sh", "-c", c.script)
			cmd.Dir = w.dir + "/cwd"
			cmd.Env = append(w.environment(), "RPC="+rpc, "SERVER="+sftpServer,
				"SFTP="+w.executable(t, "sftp", fmt.Sprintf("exec %q %q %s", rpc, w.socket, sftpServer)),
				"ASK="+w.executable(t, "ask", fmt.Sprintf(`for last; do :; done; exec %q %q sh -c "$last"`, rpc, w.socket)))
			if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
				t.Errorf("%v\n%s\nrpcd says:\n%s", err, out, w.log())
			}
		})
	}
}

// makeTree makes what is copied: files of 0 to 20,000 bytes, and one of 1 MiB.
func (w *world) makeTree(t *testing.T) {
	t.Helper()
	write := func(name string, n int) {
		text := strings.Repeat(fmt.Sprintf("%s %d\n", name, n), n/8+1)[:n]
		if err := os.WriteFile(filepath.Join(w.dir, "cwd", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(w.dir, "cwd/tree"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range 21 {
		write(fmt.Sprintf("tree/%d", i), i*1000)
	}
	write("big", 1<<20)
}

// executable writes a script for sh, and gives its path.
func (w *world) executable(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}
