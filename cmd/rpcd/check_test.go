package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

// bad is one fault in an exports directory that has no other.
type bad struct {
	name string
	make string   // a bash script that runs in the folder above the exports, ex
	file string   // the file that the line on stderr names
	says []string // texts that the line has: the fault and the cure
	root bool     // the script needs root, to make files of another user
	as   string   // the user of --as, which needs root

	runAs string // of --run-as
}

// foreign begins a script that writes a program whose loader isn't there.
const foreign = `LC_ALL=C sed 's,/ld-linux,/ld-xinux,' "$(type -P true)" >`

var bads = []bad{
	{name: "directory writable by others", make: `chmod 777 ex`, file: "ex", says: []string{"writable by others", "chmod o-w"}},
	{name: "directory writable by another group", make: `chgrp 4343 ex; chmod 775 ex`, file: "ex", says: []string{"gid 4343", "chmod g-w"}, root: true},
	{name: "parent writable by others", make: `chmod 777 .`, file: ".", says: []string{"writable by others", "chmod o-w"}},
	{name: "program writable by others", make: `chmod 777 ex/script`, file: "ex/script", says: []string{"writable by others", "chmod o-w"}},
	{name: "folder writable by others", make: `chmod 757 ex/p`, file: "ex/p", says: []string{"writable by others", "chmod o-w"}},
	{name: "rule writable by others", make: `echo any >ex/p/allow; chmod 666 ex/p/allow`, file: "ex/p/allow", says: []string{"writable by others", "chmod o-w"}},
	{name: "target writable by others", make: `mkdir lib; cp ex/script lib/; chmod 777 lib/script; ln -s ../lib/script ex/tool`, file: "lib/script", says: []string{"writable by others", "chmod o-w"}},
	{name: "target's folder writable by others", make: `mkdir lib; cp ex/script lib/; chmod 777 lib; ln -s ../lib/script ex/tool`, file: "lib", says: []string{"writable by others", "chmod o-w"}},
	{name: "wrong owner", make: `chown 4242 ex/script`, file: "ex/script", says: []string{"belongs to uid 4242", "chown"}, root: true},
	{name: "hard link to another's file", make: `cp ex/script theirs; chown 4242 theirs; ln theirs ex/linked`, file: "ex/linked", says: []string{"belongs to uid 4242", "chown"}, root: true},
	{name: "another's symlink", make: `ln -s script ex/linked; chown -h 4242 ex/linked`, file: "ex/linked", says: []string{"belongs to uid 4242", "chown -h"}, root: true},
	{name: "setuid", make: `chmod 4755 ex/script`, file: "ex/script", says: []string{"setuid", "chmod ug-s"}},
	{name: "setgid", make: `chmod 2755 ex/script`, file: "ex/script", says: []string{"setgid", "chmod ug-s"}},
	{name: "dangling symlink", make: `ln -s nowhere ex/tool`, file: "ex/tool", says: []string{"dangling symlink", "rm "}},
	{name: "symlink in a circle", make: `ln -s a ex/a`, file: "ex/a", says: []string{"circle", "rm "}},
	{name: "not executable", make: `chmod -x ex/script`, file: "ex/script", says: []string{"is not executable", "chmod +x"}},
	{name: "run not executable", make: `chmod -x ex/p/run`, file: "ex/p/run", says: []string{"is not executable", "chmod +x"}},
	{name: "FIFO", make: `mkfifo -m 755 ex/fifo`, file: "ex/fifo", says: []string{"a FIFO", "put a program"}},
	{name: "device", make: `ln -s /dev/null ex/null`, file: "/dev/null", says: []string{"a device", "put a program"}},
	{name: "interpreter missing", make: `printf '#!/none/python\n' >ex/script`, file: "ex/script", says: []string{"/none/python", "correct its first line"}},
	{name: "carriage return", make: `printf '#!/bin/sh\r\n' >ex/script`, file: "ex/script", says: []string{"carriage return", "correct its first line"}},
	{name: "empty program", make: `: >ex/script`, file: "ex/script", says: []string{"is empty", "#!/bin/sh"}},
	{name: "no #! line", make: `echo 'echo hello' >ex/script`, file: "ex/script", says: []string{"text without #!", "put #!/bin/sh in its first line"}},
	{name: "byte order mark", make: `printf '\xef\xbb\xbf#!/bin/sh\n' >ex/script`, file: "ex/script", says: []string{"byte order mark", "without one"}},
	{name: "interpreter is a directory", make: `echo '#!/usr/bin' >ex/script`, file: "ex/script", says: []string{"/usr/bin", "correct its first line"}},
	{name: "interpreter not executable", make: `: >sh; echo "#!$PWD/sh" >ex/script`, file: "ex/script", says: []string{"may not be executed", "correct its first line"}},
	{name: "interpreter without #!", make: `echo : >sh; chmod +x sh; echo "#!$PWD/sh" >ex/script`, file: "ex/script", says: []string{`/sh" is text without #!`, "correct its first line"}},
	{name: "its own interpreter", make: `echo "#!$PWD/ex/script" >ex/script`, file: "ex/script", says: []string{"leads back to it", "correct its first line"}},
	{name: "env finds no interpreter", make: `echo '#!/usr/bin/env no-such-python' >ex/script`, file: "ex/script", says: []string{`"no-such-python"`, "rpcd's PATH", "install it"}},
	{name: "an interpreter's carriage return behind an argument", make: `printf '#!/bin/sh -e\r\n' >ex/script`, file: "ex/script", says: []string{"carriage return", "correct its first line"}},
	{name: "interpreter too long", make: `printf '#!/%0300d\n' 0 >ex/script`, file: "ex/script", says: []string{"over 250 bytes", "correct its first line"}},
	{name: "#! line too long", make: `printf '#!/bin/sh -e %0300d\n' 0 >ex/script`, file: "ex/script", says: []string{"over 255 bytes", "shorten its first line"}},
	{name: "too many interpreters", make: `i=/bin/sh; for n in 1 2 3 4 5; do echo "#!$i" >i$n; chmod +x i$n; i=$PWD/i$n; done; echo "#!$i" >ex/script`, file: "ex/script", says: []string{"more than 5 interpreters", "correct its first line"}},
	{name: "interpreter is a FIFO", make: `mkfifo sh; chmod +x sh; echo "#!$PWD/sh" >ex/script`, file: "ex/script", says: []string{"/sh", "not a regular file", "correct its first line"}},
	{name: "loader missing", make: foreign + `ex/script`, file: "ex/script", says: []string{"its loader", "/ld-xinux", "is missing", "install the library"}},
	{name: "run's loader missing", make: foreign + `ex/p/run`, file: "ex/p/run", says: []string{"its loader", "/ld-xinux", "is missing"}},
	{name: "loader of a link's target missing", make: foreign + `tool; chmod +x tool; ln -s ../tool ex/tool`, file: "ex/tool", says: []string{"its loader", "/ld-xinux", "is missing"}},
	{name: "interpreter's loader missing", make: foreign + `sh; chmod +x sh; echo "#!$PWD/sh" >ex/script`, file: "ex/script", says: []string{`/sh" can't start`, "/ld-xinux", "is missing"}},
	{name: "another processor's program", make: `{ printf '\177ELF\2\2\1\0\0\0\0\0\0\0\0\0\0\2\0\2\0\0\0\1'; head -c 400 /dev/zero; } >ex/script`, file: "ex/script", says: []string{"another processor, sparc", "a build for this one"}},
	{name: "damaged ELF", make: `printf '\177ELF junk' >ex/script`, file: "ex/script", says: []string{"damaged ELF", "copy it again"}},
	{name: "ELF that is cut off", make: `head -c 1000 "$(type -P true)" >ex/script`, file: "ex/script", says: []string{"damaged ELF", "cut off", "copy it again"}},
	{name: "neither ELF nor script", make: `printf 'MZ\0' >ex/script`, file: "ex/script", says: []string{"neither ELF nor a script", "export a program"}},
	{name: "run is a directory", make: `rm ex/p/run; mkdir ex/p/run`, file: "ex/p/run", says: []string{"a directory, not a program", "put a program"}},
	{name: "max-uses", make: `echo 5 >ex/p/max-uses`, file: "ex/p/max-uses", says: []string{"no effect", "add a file workers"}},
	{name: "resident workers", make: `echo 2 >ex/p/workers`, file: "ex/p/run", says: []string{"isn't a resident worker", "resident.serve", "remove the file workers"}},
	{name: "bad workers", make: `echo 0 >ex/p/workers`, file: "ex/p/workers", says: []string{"from 1 to 1024", "remove"}},
	{name: "bad max-rss", make: `echo 512M >ex/p/max-rss`, file: "ex/p/max-rss", says: []string{"from 1 to", "remove"}},
	{name: "max-rss", make: `echo 512 >ex/p/max-rss`, file: "ex/p/max-rss", says: []string{"no effect", "add a file workers"}},
	{name: "keep of resident workers", make: `echo 2 >ex/p/workers; : >ex/p/keep; echo 'import rpcd.resident' >>ex/p/run`, file: "ex/p/keep", says: []string{"no effect", "remove it"}},
	{name: "resident workers as callers", make: `echo 2 >ex/p/workers; echo 'import rpcd.resident' >>ex/p/run`, file: "ex/p/workers", says: []string{"--run-as caller", "another rpcd"}, runAs: "caller"},
	{name: "resident workers without a run", make: `echo 2 >ex/p/workers; rm ex/p/run`, file: "ex/p", says: []string{"has no program named run", "ln -s"}},
	{name: "bad topic", make: `mv ex/p/run .; echo retian >ex/p/topic`, file: "ex/p/topic", says: []string{"line 1", "no policy", "retain on another line"}},
	{name: "a topic's publish", make: `mv ex/p/run .; : >ex/p/topic; echo uid 65534 >ex/p/publish`, file: "ex/p/publish", says: []string{"65534", "admits nobody"}},
	{name: "args with CRLF", make: `printf -- '-a\n-b\r\n' >ex/p/args`, file: "ex/p/args", says: []string{"line 2", "carriage return", "plain newlines"}},
	{name: "env sets PWD", make: `echo PWD=/tmp >ex/p/env`, file: "ex/p/env", says: []string{`sets "PWD"`, "remove that line"}},
	{name: "env sets a call's variable", make: `echo RPC_CALL_ID=1 >ex/p/env`, file: "ex/p/env", says: []string{`sets "RPC_CALL_ID"`, "remove that line"}},
	{name: "link to no program", make: `echo secret >shadow; ln -s ../shadow ex/tool`, file: "ex/tool", says: []string{"leads to no program", `/shadow" is not executable`, "link to a program, or rm "}},
	{name: "link to setuid", make: `cp ex/script su; chmod 4755 su; ln -s ../su ex/tool`, file: "su", says: []string{`/ex/tool" leads there`, "setuid", "(export a copy without the bit)"}},
	{name: "link through procfs", make: `ln -s /proc/self/exe ex/e`, file: "ex/e", says: []string{`leads through "/proc/self"`, "link to the file itself"}},
	{name: "name with a newline", make: `cp ex/script $'ex/a\nb'`, file: `ex/a\nb`, says: []string{"control byte", "rename"}},
	{name: "name with an escape sequence", make: `cp ex/script $'ex/\e[2J'`, file: `ex/\x1b[2J`, says: []string{"control byte", "rename"}},
	{name: "bad rule", make: `printf 'uid 5\nuser alice\n' >ex/p/allow`, file: "ex/p/allow", says: []string{"line 2", "user alice", "uid N"}},
	{name: "rule for the unmapped", make: `echo uid 65534 >ex/p/allow`, file: "ex/p/allow", says: []string{"admits nobody", "or any"}},
	{name: "unknown file", make: `echo any >ex/p/alow`, file: "ex/p/alow", says: []string{"remove or rename", "allow, args, env"}},
	{name: "bad variable", make: `echo 'export A=1' >ex/p/env`, file: "ex/p/env", says: []string{"line 1", "NAME=VALUE"}},
	{name: "run and topic", make: `: >ex/p/topic`, file: "ex/p/run", says: []string{"stands beside a file topic", "remove one"}},
	{name: "no program named run", make: `rm ex/p/run`, file: "ex/p", says: []string{"has no program named run", "ln -s"}},
	{name: "bad timeout", make: `echo soon >ex/p/timeout`, file: "ex/p/timeout", says: []string{"soon", "1.5h"}},
	{name: "bad max-calls", make: `echo 0 >ex/p/max-calls`, file: "ex/p/max-calls", says: []string{"from 1 to", "remove"}},
	{name: "keep that says no", make: `echo no >ex/p/keep`, file: "ex/p/keep", says: []string{"isn't empty", "remove"}},
	{name: "workdir missing", make: `echo /none/such >ex/p/workdir`, file: "ex/p/workdir", says: []string{"/none/such", "make the directory"}},
	{name: "workdir relative", make: `echo tmp >ex/p/workdir`, file: "ex/p/workdir", says: []string{"slash"}},
	{name: "workdir out of reach", make: `mkdir -m 700 own; mkdir own/w; echo $PWD/own/w >ex/p/workdir`, file: "ex/p/workdir", says: []string{"rpcd's uid 4242 may not enter", "name another"}, as: "4242"},
	{name: "workdir not to be entered", make: `mkdir -m 744 own; echo $PWD/own >ex/p/workdir`, file: "ex/p/workdir", says: []string{"rpcd's uid 4242 may not enter", "name another"}, as: "4242"},
	{name: "program for its owner alone", make: `chmod 744 ex/script`, file: "ex/script", says: []string{"may not be executed by rpcd's uid 4242", "chmod +x"}, as: "4242"},
	{name: "link to a program for its owner alone", make: `cp ex/script tool; chmod 744 tool; ln -s ../tool ex/tool`, file: "ex/tool", says: []string{"may not be executed by rpcd's uid 4242", "(link to a program that it may)"}, as: "4242"},
	{name: "rule that can't be read", make: `echo any >ex/p/allow; chmod 600 ex/p/allow`, file: "ex/p/allow", says: []string{"can't be read: permission denied", "chmod +r"}, as: "4242:4243"},
	{name: "another group's", make: `chgrp 4242 ex/script; chmod 775 ex/script`, file: "ex/script", says: []string{"writable by gid 4242, which is not rpcd's gid 4243", "chmod g-w"}, as: "4242:4243"},
	{name: "no directory at all", make: `rm -r ex`, file: "ex", says: []string{"does not exist", "mkdir -p"}},
}

// goods makes odd entries that are no faults.
const goods = `cp "$(type -P sort)" multi; ln -s ../multi ex/cat; ln -s cat ex/dog; ln -s "$(type -P sh)" ex/sh; ln -s ex/../multi up; ln -s ../up ex/up
for line in /bin/sh ' /bin/sh -e' '/usr/bin/env bash' '/usr/bin/env -S nosuch -u' '/usr/bin/env A=1 nosuch'; do
  printf '#!%s\necho\n' "$line" >"ex/${line//\//:}"; chmod +x "ex/${line//\//:}"
done
printf '#!%s/ex/script' "$PWD" >ex/nested; chmod +x ex/nested
mkdir ex/topic; printf "drop-oldest 5\nretain\n" >ex/topic/topic; echo any >ex/topic/publish
mkdir ex/warm; echo 2 >ex/warm/workers; echo 100 >ex/warm/max-uses; echo 512 >ex/warm/max-rss; printf '#!/bin/sh\nexec python3 -m model' >ex/warm/run; chmod +x ex/warm/run
printf '# a comment\r\nany\r\n' >ex/p/allow; printf -- '-a\n\n-b' >ex/p/args; echo RPC_DIR=/run >ex/p/env; echo / >ex/p/workdir`

// exports makes a folder with good exports in ex, and runs a script there. No
// entry is a link to a file of the machine, since chmod follows links.
func exports(t *testing.T, script string) string {
	t.Helper()
	dir := testkit.Folder(t)
	bash(t, dir, `chmod 755 .; umask 022; mkdir ex ex/p; printf '#!/bin/sh\necho called\n' >ex/script; chmod +x ex/script; cp ex/script ex/p/run`)
	bash(t, dir, script)
	return dir
}

func bash(t *testing.T, dir, script string) {
	t.Helper()
	cmd := exec.Command("bash", "-euc", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "PATH="+testbin.Path(t))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

// check runs rpcd check. It returns the lines on stderr and the exit status.
func check(t *testing.T, dir string, options ...string) (lines []string, status int) {
	t.Helper()
	cmd := exec.Command(filepath.Join(testbin.Dir(t), "rpcd"), append([]string{"check", filepath.Join(dir, "ex")}, options...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	_ = cmd.Run()
	return strings.Split(strings.TrimSuffix(stderr.String(), "\n"), "\n"), cmd.ProcessState.ExitCode()
}

// TestCheck checks that each fault gives one line and status 1. The line names the
// file, the fault and the cure.
// fault: 64 65 106
func TestCheck(t *testing.T) {
	for _, good := range []string{":", goods} {
		if lines, status := check(t, exports(t, good)); status != 0 || len(lines) != 1 || lines[0] != "" {
			t.Fatalf("good exports: status %d, %q", status, lines)
		}
	}
	for _, b := range bads {
		t.Run(strings.ReplaceAll(b.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			var options []string
			if b.as != "" {
				options = []string{"--as", b.as}
			}
			if b.runAs != "" {
				options = append(options, "--run-as", b.runAs)
			}
			if (b.root || b.as != "") && os.Getuid() != 0 {
				testkit.Lack(t, "files of other users need root")
			}
			dir := exports(t, b.make)
			file := filepath.Join(dir, b.file)
			if filepath.IsAbs(b.file) {
				file = b.file
			}
			lines, status := check(t, dir, options...)
			if status != 1 || len(lines) != 2 || lines[1] != "rpcd: 1 problem" {
				t.Fatalf("status %d, %q", status, lines)
			}
			if !strings.HasPrefix(lines[0], `rpcd: "`+file+`" `) {
				t.Errorf("%s isn't named first: %s", file, lines[0])
			}
			for _, word := range b.says {
				if !strings.Contains(lines[0], word) {
					t.Errorf("%q is missing in: %s", word, lines[0])
				}
			}
		})
	}
}

// TestClone checks that exports from a git clone under umask 002 are served, though
// rpcd's own group may write them.
// fault: 65
func TestClone(t *testing.T) {
	testkit.Need(t, "git")
	dir := exports(t, `cd ex && git -c init.defaultBranch=main init -q . && git add . && git -c user.name=n -c user.email=e commit -qm exports
cd .. && mv ex origin && umask 002 && git clone -q origin ex && [[ $(stat -c %a ex ex/p ex/script) == $'775\n775\n775' ]]`)
	if lines, status := check(t, dir); status != 0 || lines[0] != "" {
		t.Errorf("rpcd check: status %d, %q", status, lines)
	}
	bash(t, dir, `umask 002; rpcd serve --listen ./w.sock --exports ex 2>log & trap "kill $!" EXIT
rpc --wait 10s ./w.sock p >out && rpc ./w.sock script >>out && [[ $(<out) == $'called\ncalled' ]]`)
	// A folder of another group is refused.
	if os.Getuid() != 0 {
		testkit.Lack(t, "another group's files need root")
	}
	bash(t, dir, `chgrp -R 4343 ex`)
	if lines, status := check(t, dir); status != 1 || !strings.Contains(lines[0], "gid 4343") {
		t.Errorf("rpcd check: status %d, %q", status, lines)
	}
}
