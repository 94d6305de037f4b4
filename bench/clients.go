package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// client is a program that speaks a protocol of its own to a program at the worker.
type client struct {
	name                   string
	program, debianPackage string
	// script is for sh. $ASK runs a command line at the worker, as ssh does: its last
	// word. $SFTP runs the SFTP server there. The folder "tree" and the file "big" are
	// to be copied to "got", in the script's own folder.
	script string
}

var clients = []client{
	{"sftp", "sftp", "openssh-client", `printf 'put -r tree got\nput big got/big\n' | sftp -q -b - -S "$SFTP" h:"$PWD" && cmp big got/big && rm got/big && diff -r tree got`},
	{"scp", "scp", "openssh-client", `mkdir got && scp -q -r -S "$SFTP" tree big h:"$PWD/got" && diff -r tree got/tree && cmp big got/big`},
	{"scp -O", "scp", "openssh-client", `mkdir got && scp -O -q -r -S "$ASK" tree big h:"$PWD/got" && diff -r tree got/tree && cmp big got/big`},
	{"sshfs", "sshfs", "sshfs", `mkdir got mnt && sshfs -o ssh_command="$SFTP" h:"$PWD/got" mnt && cp -r tree big mnt; cp -r mnt/. back; fusermount3 -u mnt && diff -r tree back/tree && cmp big back/big`},
	{"rmt", "rmt", "tar", `tar --rsh-command="$ASK" --rmt-command=rmt -cf 127.0.0.1:"$PWD/got" tree big && tar -df got`},
}

const (
	treeFiles   = 60
	treeFile    = 100     // bytes of the smallest file, and how many more each has
	bigFile     = 4 << 20 // bytes
	sftpServers = "/usr/lib/openssh/sftp-server"
)

// makeFiles makes what the clients copy.
func (b *bridges) makeFiles() error {
	if err := os.Mkdir(filepath.Join(b.folder, "tree"), 0o700); err != nil {
		return err
	}
	for i := range treeFiles {
		text := strings.Repeat("x", i*treeFile)
		if err := os.WriteFile(filepath.Join(b.folder, "tree", fmt.Sprint(i)), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(b.folder, "big"), make([]byte, bigFile), 0o600)
}

// client runs a client over the bridge at socket, and returns how long that took.
func (b *bridges) client(c client, socket string) (time.Duration, error) {
	run, err := os.MkdirTemp(b.folder, "run-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(run)
	for name, text := range map[string]string{
		"sftp": `exec "$RPC" "$SOCKET" ` + sftpServers,
		"ask":  `for last; do :; done; exec "$RPC" "$SOCKET" sh -c "$last"`,
	} {
		if err := os.WriteFile(filepath.Join(run, name), []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil {
			return 0, err
		}
	}
	rpc, err := filepath.Abs(b.st.options.RPC)
	if err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(b.st.ctx, "sh", "-c", "cp -r ../tree ../big . && "+c.script)
	cmd.Dir = run
	cmd.Env = append(os.Environ(), "RPC="+rpc, "SOCKET="+socket, "SFTP="+run+"/sftp", "ASK="+run+"/ask")
	began := time.Now()
	said, err := cmd.CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, strings.TrimSpace(string(said)))
	}
	return time.Since(began), nil
}
