package main_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"rpcd/internal/testbin"
	"rpcd/internal/testkit"
)

// maxErrorLine is the greatest length of an error line in the common cases, in
// bytes: two lines of a terminal. The names in these lines are short.
const maxErrorLine = 160

// errorLine is a mistake or a fault, with the lines that rpc prints for it.
//
// The script may use the variables of a row of the table. The worker's socket is
// also in RPC_DIR, which is $D/run, under the name hugin.
type errorLine struct {
	name   string
	script string
	serve  []string
	lines  int  // how many lines rpc prints; 0 means one
	root   bool // the script has to become another user, or to mount
}

var errorLines = []errorLine{
	{name: "no worker named", script: `rpc`},
	{name: "no procedure named", script: `rpc hugin`},
	{name: "unknown option", script: `rpc --nope hugin sort; rpc -x hugin sort; rpc --timeout`, lines: 3},
	{name: "options of other tools", script: `rpc -u root hugin sort; rpc -w / hugin sort; rpc -d hugin sort`, lines: 3},
	{name: "option values", script: `rpc --timeout soon hugin sort; rpc --timeout 1h30m hugin sort; rpc --timeout -1 hugin sort; rpc --pass some hugin sort
rpc --server-uid root hugin sort; rpc --status-fd 77 hugin sort; rpc --status-fd x hugin sort; rpc -e = hugin sort; rpc --heartbeat x hugin sort`, lines: 9},
	{name: "variables", script: `RPC_TIMEOUT=soon rpc hugin sort; RPC_PASS=some rpc hugin sort; RPC_WAIT=x rpc hugin sort; RPC_SERVER_UID=x rpc hugin sort`, lines: 4},
	{name: "a verb behind options", script: `rpc -n ls; rpc -n top; rpc top`, lines: 3},
	{name: "names of workers", script: `rpc "" sort; rpc .. sort; rpc $'a\nb' sort; rpc $(printf %300s | tr ' ' x) sort`, lines: 4},
	{name: "usage of verbs", script: `rpc ping; rpc ls --nope; rpc kill hugin; rpc doctor; rpc completion tcsh; rpc version 1; rpc help nosuch; rpc shim w; rpc ping --wait soon hugin; rpc map; rpc map -j x hugin cat; rpc map --framing u32 hugin cat {}; echo a | rpc map hugin nosuch; rpc pub; rpc sub hugin nosuch; printf aaaaa | rpc map --framing u32 hugin sort`, lines: 16},
	{name: "a NUL", script: `rpc -e NAME=VALUE -C "" --label $(printf %3000s | tr ' ' x) hugin sort`},

	{name: "no RPC_DIR", script: `export RPC_DIR=$D/none; rpc hugin sort; rpc ls; rpc ping hugin; rpc kill hugin 17; rpc ps hugin`, lines: 5},
	{name: "no such worker", script: `rpc munin sort; rpc ping munin; rpc ./munin sort; rpc ./none/munin.sock sort; rpc kill munin 17`, lines: 5},
	{name: "an empty folder of sockets", script: `mkdir $D/run/munin; rpc munin sort; rpc ./ sort`, lines: 2},
	{name: "no socket", script: `: >file; mkfifo fifo; rpc ./file sort; rpc ./fifo sort; rpc /dev/null sort; rpc ping ./file`, lines: 4},
	{name: "a socket of datagrams", script: `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_DGRAM, 0) && bind(S, pack_sockaddr_un("d")) && sleep 99' & wait_for test -S d; rpc ./d sort; kill $!`},
	{name: "nobody serves", script: `kill -9 $RPCD; wait_for gone $RPCD; rpc hugin sort; rpc ping hugin; rpc kill hugin 17`, lines: 3},
	{name: "a pool that nobody serves", script: `mkdir $D/run/fft; ln -s $W $D/run/fft/a.sock; ln -s $W $D/run/fft/b.sock; kill -9 $RPCD; wait_for gone $RPCD; rpc fft sort; rpc ping fft`, lines: 2},
	{name: "a full backlog", script: `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) && bind(S, pack_sockaddr_un("full")) && listen(S, 0); socket(C, AF_UNIX, SOCK_STREAM, 0) && connect(C, pack_sockaddr_un("full")) && open(F, ">up"); sleep 99' & wait_for test -e up; rpc ping ./full; kill $!`},
	{name: "a pool", script: `mkdir $D/run/fft; for i in a b; do rpcd serve --listen $D/run/fft/$i.sock --exports $D/ex 2>/dev/null & wait_for rpc ping $D/run/fft/$i.sock >ping; rpc $D/run/fft/$i.sock sleep 99 2>/dev/null & done
wait_for sh -c 'test $(rpc ps fft | grep -c sleep) = 2'; rpc kill fft 1; rpc kill fft 99; kill %1 %3; wait`, lines: 2},
	{name: "a pool that is frozen", script: `mkdir $D/run/fft; ln -s $W $D/run/fft/a.sock; ln -s $W $D/run/fft/b.sock; kill -STOP $RPCD; wait_for is T $RPCD; rpc fft sort; rpc ping fft; rpc ps fft; kill -CONT $RPCD`, lines: 3},
	{name: "permission for a pool", root: true, script: `mkdir $D/run/fft; ln -s $W $D/run/fft/a.sock; ln -s $W $D/run/fft/b.sock
you() { setpriv --reuid 4242 --regid 4343 --clear-groups "$@"; }; you rpc fft sort; you rpc ping fft`, lines: 2},
	{name: "permission", root: true, script: `you() { setpriv --reuid 4242 --regid 4343 --clear-groups "$@"; }; you rpc hugin sort; you rpc ping hugin
chmod 700 $D/sock; you rpc $W sort; you rpc $D/sock/ sort`, lines: 4},
	{name: "another server", script: `rpc --server-uid 4242 hugin sort`},

	{name: "frozen", script: `kill -STOP $RPCD; wait_for is T $RPCD; rpc ping hugin; rpc ps hugin; rpc kill hugin 17; kill -CONT $RPCD`, lines: 3},
	{name: "lost", script: `rpc hugin sh -c ': >up; exec sleep 5' & wait_for test -e up; kill -9 $RPCD; wait`},
	{name: "not an rpcd", script: `socat UNIX-LISTEN:$PWD/echo,fork EXEC:cat & a=$!; socat UNIX-LISTEN:$PWD/http,fork SYSTEM:'echo HTTP/1.1 400 Bad Request; cat >/dev/null' & wait_for listens $PWD/echo $PWD/http
rpc ./echo sort; rpc ./http sort; rpc ping ./echo; rpc ping ./http; kill $a $!`, lines: 4},
	{name: "a bridge to nowhere", script: `socat UNIX-LISTEN:$PWD/drops,fork UNIX-CONNECT:./none 2>/dev/null & wait_for listens $PWD/drops; rpc ./drops sort; rpc ping ./drops; kill $!`, lines: 2},

	{name: "unknown procedure", script: `cd $D/ex; rm [a-qt-z]*; rpc hugin rm; rpc hugin sotr; rpc hugin a/b; rpc hugin .x; rm *; rpc hugin rm`, lines: 5},
	{name: "unknown among many", script: `rpc hugin rm`},
	{name: "not executable", script: `echo x >$D/ex/p; rpc hugin p; chmod +x $D/ex/p; rpc hugin p; echo '#!/no/such' >$D/ex/p; rpc hugin p; ln -s /no/such $D/ex/q; rpc hugin q; mkdir $D/ex/r; rpc hugin r`, lines: 5},
	{name: "denied", script: `procedure detect true; echo uid 4242 >$D/ex/detect/allow; rpc hugin detect; : >$D/ex/detect/allow; rpc hugin detect`, lines: 2},
	{name: "not admitted", serve: []string{"--allow", "uid 4242"}, script: `rpc hugin sort`},
	{name: "a variable that isn't admitted", script: `rpc -e LANG=C hugin sort; procedure detect true; rpc -e LANG=C hugin detect; echo TZ >$D/ex/detect/env; rpc -e LANG=C hugin detect`, lines: 3},
	{name: "too long", script: `ulimit -s unlimited; a=$(printf %131071s) s=(); for i in {1..30}; do s+=("$a"); done; rpc hugin true "${s[@]}"`},

	{name: "directories", script: `rpc -C /no/such hugin pwd; rpc -C /dev/null hugin pwd; rpc -C rel hugin pwd; rpc -C "" hugin pwd; rpc -C $(printf %5000s | tr ' ' x) hugin pwd
mkdir gone; cd gone; rmdir ../gone; rpc hugin pwd; rpc -C sub hugin pwd; cd ..; perl -e 'mkdir "d" x 200, chdir "d" x 200 for 1 .. 25; system qw(rpc hugin pwd); system qw(rpc -C sub hugin pwd)'`, lines: 9},
	{name: "relative procedures", serve: []string{"--all-commands"}, script: `: >plain; rpc hugin ./none; rpc hugin ./plain; rpc hugin ../cwd/; rpc hugin ./plain/x`, lines: 4},
	{name: "a directory that isn't shared", root: true, script: `mkdir other; unshare -m bash -c 'mount -t tmpfs none other; cd other; rpc hugin pwd; mkdir only; cd only; rpc hugin pwd'`, lines: 2},
	{name: "a directory that rpcd can't enter", root: true, script: `chmod 777 .
setpriv --reuid 4242 --regid 4343 --clear-groups rpcd serve --listen ./own.sock --exports $D/ex 2>log & wait_for rpc ping ./own.sock >ping; mkdir -m 700 mine; rpc -C $PWD/mine ./own.sock pwd; cd mine; rpc ../own.sock pwd; kill $!; wait`, lines: 2},

	{name: "busy", serve: []string{"--max-calls", "1", "--queue", "0"}, script: `rpc hugin sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' & wait_for test -e up; rpc hugin true; : >go; wait`},
	{name: "waited in vain", serve: []string{"--max-calls", "1", "--queue-wait", "100ms"}, script: `rpc hugin sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' & wait_for test -e up; rpc hugin true; : >go; wait`},
	{name: "draining", serve: []string{"--drain", "30s"}, script: `rpc hugin sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' & wait_for test -e up; kill -TERM $RPCD
wait_for sh -c '! rpc ping hugin >ping 2>&1'; rpc hugin true; rpc ping hugin; : >go; wait`, lines: 2},
	{name: "time limits", script: `rpc --timeout 100ms hugin sleep 99; procedure nap sleep; echo 100ms >$D/ex/nap/timeout; rpc hugin nap 99`, lines: 2},
	{name: "run as the caller", root: true, script: `rpcd serve --listen ./own.sock --exports $D/ex --mode 0666 --run-as caller 2>/dev/null & wait_for rpc ping ./own.sock >ping; chmod 777 .
setpriv --reuid 4242 --regid 4343 --clear-groups socat UNIX-LISTEN:$PWD/far.sock,fork UNIX-CONNECT:./own.sock & wait_for listens $PWD/far.sock; rpc ./far.sock true; kill $!
setpriv --reuid 65534 --regid 65534 --clear-groups rpc ./own.sock true; kill %1; wait`, lines: 2},

	{name: "kill", script: `rpc kill hugin 17; rpc kill hugin ""; rpc kill hugin 17 NOPE; rpc kill hugin 17 99`, lines: 4},
	{name: "kill's options", script: `rpc kill; rpc kill -9; rpc kill -NOPE hugin 17; rpc kill -99 hugin 17; rpc kill -0 hugin 17; rpc kill -9 -15 hugin 17; rpc kill -x hugin 17; rpc kill -s; rpc kill -9 hugin 17 TERM; rpc kill -l 9`, lines: 10},
	{name: "kill of two, or a signal", script: `for i in 1 2; do rpc hugin sleep 99 2>/dev/null & done; wait_for sh -c 'test $(rpc ps hugin | grep -c sleep) = 2'; read -r _ a _ < <(rpc ps hugin | sed -n 2p); read -r _ b _ < <(rpc ps hugin | sed -n 3p); rpc kill hugin $a $b; kill %1 %2; wait`},
	{name: "who ended it", serve: []string{"--drain", "100ms"}, script: `rpc --label mine hugin sleep 99 & wait_for sh -c 'rpc ps hugin | grep -q mine'; read -r _ a _ < <(rpc ps hugin | sed -n 2p); rpc kill hugin $a; wait; rpc hugin sh -c ': >up; exec sleep 99' & wait_for test -e up; kill -TERM $RPCD; wait`, lines: 2},
	{name: "kill another's call", root: true, script: `chmod 666 $W; rpc hugin sleep 99 & wait_for sh -c 'rpc ps hugin | grep -q sleep'; read -r _ id _ < <(rpc ps hugin | sed -n 2p); setpriv --reuid 4242 --regid 4343 --clear-groups rpc kill hugin $id; rpc kill hugin $id KILL; wait`, lines: 2},
	{name: "a write error", script: `RPC_PASS=none rpc hugin yes >/dev/full`},
	{name: "stdin that can't be read", script: `rpc hugin cat <.`},
}

// TestErrorLines checks that a common error is one line of at most 160 bytes. That
// is enough for the act, the object, the cause and a cure.
func TestErrorLines(t *testing.T) {
	testbin.Dir(t)
	for _, c := range errorLines {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			if c.root && os.Getuid() != 0 {
				testkit.Lack(t, "this case needs root")
			}
			testkit.Need(t, "socat")
			c.run(t)
		})
	}
}

func (c errorLine) run(t *testing.T) {
	w := startWorld(t, "passed", c.serve...)
	if err := errors.Join(os.Mkdir(w.dir+"/run", 0o755), os.Symlink(w.socket, w.dir+"/run/hugin.sock")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := w.bash(ctx, "export RPC_DIR=$D/run\n"+c.script)
	stderr, err := os.Create(w.dir + "/stderr") // not a pipe, which left-over processes would hold open
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	cmd.Stderr = stderr
	err = cmd.Run()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // kills processes that the script left
	if exit := (*exec.ExitError)(nil); ctx.Err() != nil || err != nil && !errors.As(err, &exit) {
		t.Fatalf("the script: %v, %v", err, ctx.Err())
	}
	written, err := os.ReadFile(stderr.Name())
	if err != nil {
		t.Fatal(err)
	}
	// The test's folder has a long name. A name of usual length replaces it.
	said := strings.ReplaceAll(notices.ReplaceAllString(string(written), ""), w.dir, "/home/me")
	lines := strings.Split(strings.TrimSuffix(said, "\n"), "\n")
	if want := max(c.lines, 1); len(lines) != want {
		t.Errorf("%d lines, want %d:\n%s", len(lines), want, said)
	}
	for _, line := range lines {
		if !strings.HasPrefix(line, "rpc: ") {
			t.Errorf("not a line of rpc's: %s", line)
		}
		if len(line) > maxErrorLine {
			t.Errorf("%d bytes, of %d: %s", len(line), maxErrorLine, line)
		}
	}
}
