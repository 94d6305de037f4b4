package main_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"rpcd/internal/testkit"
)

// TestRemoteShell runs programs that expect ssh over rpc-rsh, with descriptors passed,
// and through a bridge of socats without options. Each works in a home that caller and
// worker share, where a folder tree and a file big lie. $H is the worker's name. What
// is copied is compared.
// fault: 199
func TestRemoteShell(t *testing.T) {
	for _, c := range []struct {
		name, needs string
		script      string // prints nothing if all is well
	}{
		// 2,000 files, some with a second name, and symlinks
		{"rsync", "rsync", `list() { (cd $1 && find . -printf '%P %n %m %s %l %T@\n' | sort); }
			seq 2000 | split -l 1 -a 3 - tree/f; mkdir tree/links tree/far; ln tree/f??[abc] tree/links/; (cd tree/far; ln -s ../f??[de] .)
			chmod 640 tree/fa*; find tree -exec touch -h -d @1600000000.5 {} +
			rsync -aH -e rpc-rsh tree/ $H:got; list tree >a; list got | diff a -
			echo more >>tree/faab; rsync -aH --delete -i --out-format=%n -e "rpc-rsh -p 22 -o BatchMode=yes" tree/ u@$H:got
			diff -r tree got; rsync -aH -e rpc-rsh $H:got/links back; diff -r got/links back/links; rsync -e rpc-rsh $H:nosuch x 2>/dev/null; echo $?`},
		{"git", "git", `export GIT_SSH_COMMAND=rpc-rsh; git config --global user.name n; git config --global user.email e@x; git init -q --bare repo.git
			git clone -q $H:repo.git one 2>/dev/null; cp -r tree big one; cd one; git add .; git commit -qm first; git push -q origin HEAD:main; git -C ../repo.git symbolic-ref HEAD refs/heads/main; cd ..
			git clone -q ssh://u@$H:2222$HOME/repo.git two; git -C two fsck --strict --no-progress; git -C repo.git fsck --no-progress; diff -r -x .git one two
			echo x >two/x; git -C two add x; git -C two commit -qm x; git -C two push -q; git -C one pull -q origin main; cmp one/x two/x; git ls-remote -q $H:nosuch 2>/dev/null; echo $?`},
		{"parallel", "parallel perl", `touch "$HOME/.parallel-cited"; mkdir -p .parallel; touch .parallel/will-cite
			seq 100 | parallel --ssh rpc-rsh -S 4/$H --joblog log -k 'echo {}; exit $(({} % 4))' >out 2>err; echo $?; seq 100 | diff - out
			awk 'NR > 1 && ($7 != $1 % 4 || $8 != 0)' log; awk 'NR > 1' log | wc -l
			seq 3 | parallel --sshlogin "2/rpc-rsh $H" --wd far --transferfile tree/{} --return got{} --cleanup 'cat tree/{} >got{}'; cmp got3 tree/3; test ! -e far/got3`},
		{"sftp", "sftp", `printf 'put -r tree got\nput big got/big\nget -r got back\nget big big2\n' | sftp -q -b - -S rpc-rsh $H >/dev/null
			diff -r tree got | grep -v '^Only in got: big$'; diff -r got back; cmp big big2; echo 'get nosuch' | sftp -q -b - -S rpc-rsh $H >/dev/null 2>&1; echo $?`},
		{"scp", "scp", `mkdir got back; scp -q -r -S rpc-rsh tree big $H:got; diff -r tree got/tree; scp -q -r -P 22 -S rpc-rsh u@$H:got/tree $H:big back; diff -r tree back/tree; cmp big back/big`},
		{"scp -O", "scp", `mkdir got back; scp -O -q -r -S rpc-rsh tree big $H:got; diff -r tree got/tree; scp -O -q -r -S rpc-rsh $H:got/tree $H:big back; diff -r tree back/tree; cmp big back/big`},
		{"sshfs", "sshfs fusermount3", `mkdir got mnt; sshfs -o ssh_command=rpc-rsh $H:got mnt; cp -r tree big mnt; diff -r tree mnt/tree; cmp big mnt/big; fusermount3 -u mnt; diff -r tree got/tree; cmp big got/big`},
		{"borg", "borg", `export BORG_RSH=rpc-rsh BORG_BASE_DIR=$HOME BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes; repo=ssh://u@$H:22$HOME/repo
			borg init -e none $repo; borg create $repo::a tree big; mkdir back; cd back; borg extract $repo::a; diff -r ../tree tree; cmp ../big big`},
		{"unison", "unison", `sync() { unison -batch -ui text -sshcmd rpc-rsh tree ssh://$H/got >log 2>&1 || cat log; }; sync; diff -r tree got
			echo x >got/x; rm tree/3; sync; diff -r tree got; cmp tree/x got/x; test ! -e got/3`},
		{"pdsh", "pdsh", `pdsh -R exec -w $H rpc-rsh -n %h 'echo out; echo err >&2; exit 3' >out 2>err; grep -q ': out$' out; grep -q ': err$' err; pdsh -S -R exec -w $H rpc-rsh %h 'exit 3' 2>/dev/null; echo $?
			mkdir bin2; printf '#!/bin/sh\nexec rpc-rsh "$@"\n' >bin2/ssh; chmod +x bin2/ssh; PATH=$PWD/bin2:$PATH PDSH_RCMD_TYPE=ssh pdsh -w $H 'echo $((6 * 7))'`},
		// socat waits 0.5 s behind the end of one direction, and drops the rest of the other
		{"late output", "seq", `rpc-rsh $H 'cat >got; sleep 1; seq 200000; exit 5' <big | cksum; echo ${PIPESTATUS[0]}; seq 200000 | cksum; cmp big got`},
		{"tar", "tar", `tar c tree big | rpc-rsh $H 'mkdir got; cd got; tar x'; echo $?; diff -r tree got/tree; cmp big got/big; rpc-rsh $H tar c tree big | (mkdir back; cd back; tar x); echo ${PIPESTATUS[0]}; diff -r tree back/tree; cmp big back/big`},
	} {
		for _, transport := range []string{"passed", "bridge"} {
			t.Run(c.name+"/"+transport, func(t *testing.T) {
				t.Parallel()
				testkit.Need(t, append(strings.Fields(c.needs), "socat")...)
				if c.name == "sshfs" && !canFUSE() {
					t.Skip("SKIPPED: no file systems of users here")
				}
				out := runAsSSH(t, transport, c.script)
				if want := remoteShellSays[c.name]; out != want {
					t.Errorf("it says %q, not %q", out, want)
				}
			})
		}
	}
}

// remoteShellSays is what a script prints: statuses.
var remoteShellSays = map[string]string{
	"rsync": "faab\nlinks/faab\n23\n", "git": "128\n", "parallel": "75\n100\n", "sftp": "1\n", "pdsh": "3\nH: 42\n",
	"tar": "0\n0\n", "late output": "3581800518 1288895\n5\n3581800518 1288895\n",
}

func canFUSE() bool {
	f, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err == nil {
		f.Close()
	}
	return err == nil
}

// runAsSSH runs a script of bash in a new home, which is the worker's, too, and gives
// what it prints on both streams.
func runAsSSH(t *testing.T, transport, script string) string {
	t.Helper()
	w := startWorld(t, transport)
	w.makeTree(t)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	home := w.dir + "/cwd"
	must(os.Remove(w.dir + "/ex/sh"))
	must(os.Mkdir(w.dir+"/ex/sh", 0o755))
	must(os.Symlink(lookPath(t, "sh"), w.dir+"/ex/sh/run"))
	must(os.WriteFile(w.dir+"/ex/sh/env", []byte("HOME="+home+"\n"), 0o600))
	must(os.Mkdir(w.dir+"/run", 0o755))
	must(os.Symlink(w.socket, w.dir+"/run/H.sock"))
	must(os.Mkdir(w.dir+"/bin", 0o755))
	must(os.Symlink(w.rpc().Path, w.dir+"/bin/rpc-rsh"))
	cmd := exec.Command("timeout", "100", "bash", "-c", script)
	cmd.Dir = home
	cmd.Env = append(w.environment(), "HOME="+home, "H=H", "RPC_DIR="+w.dir+"/run", "PATH="+w.dir+"/bin:"+w.path)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v", err)
	}
	if t.Failed() {
		t.Logf("rpcd says:\n%s", shorten(w.log()))
	}
	return string(out)
}
