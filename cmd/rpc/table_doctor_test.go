package main_test

// ill prints what rpc doctor finds bad, with the cures, and its exit status;
// or, as "ill -n ...", what it notes. The rest of a line is for people.
const ill = `ill() {
  local what=bad s
  if [[ $1 == -n ]]; then what=note; shift; fi
  "$@" >found 2>err
  s=$?
  grep -A1 "^$what" found | grep -v '^ok\|^--' | sed 's/  */ /g'
  cat err
  echo "status $s"
}
`

// doctorRows: each breaks something; doctor says what, and the cure.
var doctorRows = []row{
	{name: "doctor, a healthy worker", on: "passed", script: `mkdir run; ln -s $W run/w.sock; RPC_DIR=$PWD/run rpc doctor w; echo $?`,
		stdout: `ok    name: w is looked for in "$D/cwd/run"
ok    socket: "$D/cwd/run/w.sock", ...:... 0660
ok    connect: user ... listens
ok    answer: rpcd ..., in ... ms
ok    state: up
ok    places: 0 of 1024 calls run
ok    user: the worker sees you as ...:...
ok    files: calls run as ...:...
ok    descriptors: they arrive: streams are passed
ok    directory: "$D/cwd" is the same there
ok    procedures: ...: bash cat cksum dd echo env false head ...
0
`},
	{name: "doctor, a healthy bridge", on: "bridge", script: ill + `ill -n rpc doctor $W; RPC_CHDIR=/ rpc doctor $W | grep '^ok.*directory'; rpc doctor $W | grep '^ok.*directory'`,
		stdout: "note descriptors: they don't arrive (a bridge ...\nstatus 0\nok    directory: the worker has a \"/\" (calls go by name)\nok    directory: the worker has a \"$D/cwd\" (calls go by name)\n"},
	{name: "doctor, RPC_PASS=none", on: "none", script: ill + `ill -n rpc doctor $W`,
		stdout: "note descriptors: they arrive, but RPC_PASS=none ...\nstatus 0\n"},

	{name: "doctor, names that are none", on: "passed", script: ill + `ill rpc doctor ..; rpc doctor; echo $?; mkdir -p run/ls; export RPC_DIR=$PWD/run; ln -s $W run/ls/; ill -n rpc doctor ls`,
		stdout: "bad name: cannot call the worker \"..\": ...\n cure: a worker is a name (rpc ls shows them)...\nstatus 1\n2\nnote name: ls is a verb of rpc, too: call it by rpc call ls ...\nstatus 0\n",
		stderr: "rpc: accepts 1 arg(s), received 0 (see rpc doctor --help)\n"},
	{name: "doctor, volume not mounted", on: "passed", script: ill + `RPC_DIR=/no/such ill rpc doctor hugin; ill rpc doctor ./no/w.sock`,
		stdout: "bad RPC_DIR: \"/no/such\" does not exist\n cure: mount the volume that hugin's rpcd listens in (compose: volumes: [\"hugin-socket:/run/rpc/hugin:ro\"]; ...), or set RPC_DIR\nstatus 1\n" +
			"bad folder: cannot reach ./no/w.sock: ... does not exist\n cure: start a worker there (rpcd serve --listen \"./no/w.sock\"), or mount the volume ...\nstatus 1\n"},
	{name: "doctor, no worker of that name", on: "passed", script: ill + `mkdir -p run/other; export RPC_DIR=$PWD/run; ill rpc doctor hugin`,
		stdout: "bad folder: \"$D/cwd/run\" has no hugin/ and no hugin.sock (it has: other)\n cure: start the worker (rpcd serve hugin), check its name, or mount the volume ...\nstatus 1\n"},
	{name: "doctor, empty folder", on: "passed", script: ill + `mkdir -p run/w x.sock; RPC_DIR=$PWD/run ill rpc doctor w; ill rpc doctor ./x.sock`,
		stdout: "bad folder: no socket in \"$D/cwd/run/w\": ...\n cure: start it (docker logs says why it isn't up); if it is up, mount the volume that w's rpcd listens in ...\nstatus 1\n" +
			"bad folder: no socket in \"./x.sock\"\n cure: start a worker there: ...; where a socket was bind-mounted, ...: mount the folder of the socket instead\nstatus 1\n"},
	{name: "doctor, not a socket", on: "passed", script: ill + `echo kept >file; ill rpc doctor ./file; mkfifo fifo; ill rpc doctor ./fifo; cat file`,
		stdout: "bad socket: \"./file\" is a file, no socket\n cure: move it away and start the worker: ...\nstatus 1\n" +
			"bad socket: \"./fifo\" is a FIFO, no socket\n cure: move it away ...\nstatus 1\nkept\n"},
	{name: "doctor, a socket of datagrams", on: "passed", script: ill + `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_DGRAM, 0) && bind(S, pack_sockaddr_un("d")) && sleep 99' & wait_for test -S d; ill rpc doctor ./d; kill $!`,
		stdout: "bad connect: a socket of another kind (datagrams), not rpcd's\n cure: name the socket that rpcd listens on ...\nstatus 1\n"},

	{name: "doctor, another user without the group", on: "users", script: ill + `ill setpriv --reuid 4242 --regid 4343 --groups 4444 rpc doctor $W; chmod 700 $D/sock; ill setpriv --reuid 4242 --regid 4343 --clear-groups rpc doctor $W
ill setpriv --reuid 4242 --regid 4343 --clear-groups rpc doctor $D/sock/
chmod 744 $D/sock; ill setpriv --reuid 4242 --regid 4343 --clear-groups rpc doctor $D/sock/`,
		stdout: "bad connect: permission denied: the socket is 54321:54321 0660, you are 4242:4343 with groups 4444\n cure: run as its user (compose: user: \"54321:54321\"), or join its group (group_add: [\"54321\"]), or let others in: rpcd serve --mode 0666, or --gid with a group of yours\nstatus 1\n" +
			"bad folder: permission denied: the folder \"$D/sock\" is 54321:54321 0700, you are 4242:4343\n cure: run as its user ... chmod o+x (of a tmpfs volume: mode=0755)\nstatus 1\n" +
			"bad folder: permission denied: the folder \"$D/sock\" is 54321:54321 0700, you are 4242:4343\n cure: run as its user ... chmod o+x (of a tmpfs volume: mode=0755)\nstatus 1\n" +
			"bad connect: permission denied: the folder \"$D/sock\" is 54321:54321 0744, you are 4242:4343\n cure: run as its user ... chmod o+x (of a tmpfs volume: mode=0755)\nstatus 1\n"},
	{name: "doctor, a member of the group", on: "users", script: ill + `ill setpriv --reuid 4242 --regid 4343 --groups 54321 rpc doctor $W; ill -n setpriv --reuid 4242 --regid 54321 --clear-groups rpc doctor $W; ill -n setpriv --reuid 54321 --regid 4343 --groups 54321 rpc doctor $W`,
		stdout: "status 0\nnote files: calls run as 54321:54321, you are 4242:54321: ...\n cure: one user on both sides (compose: user: \"54321:54321\"), or rpcd serve --run-as caller\nstatus 0\n" +
			"note files: calls run as 54321:54321, you are 54321:4343: what they make is of that group\nstatus 0\n"},

	{name: "doctor, --run-as caller", on: "users", script: ill + `rpcd serve --listen ./own.sock --exports $D/ex --mode 0666 --run-as caller 2>/dev/null & wait_for rpc ping ./own.sock >ping
ill -n setpriv --reuid 4242 --regid 4343 --clear-groups rpc doctor ./own.sock; grep files: found; kill $!; wait`,
		stdout: "status 0\nok    files: calls run as 4242:4343\n"},

	{name: "doctor, stale socket", on: "passed", ends: true, script: ill + `kill -9 $RPCD; wait_for gone $RPCD; ill rpc doctor $W`,
		stdout: "bad connect: nobody listens: ...\n cure: start the worker again, it replaces the socket ...; mount the socket's folder, not the socket\nstatus 1\n"},
	{name: "doctor, a full backlog", on: "passed", script: ill + `perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) && bind(S, pack_sockaddr_un("full")) && listen(S, 0); socket(C, AF_UNIX, SOCK_STREAM, 0) && connect(C, pack_sockaddr_un("full")) && open(F, ">up"); sleep 99' & wait_for test -e up; ill rpc doctor ./full; kill $!`,
		stdout: "bad connect: the queue of connections is full: the worker accepts none\n cure: it is frozen or starved: docker unpause, kill -CONT, or restart it\nstatus 1\n"},
	{name: "doctor, RPC_SERVER_UID", on: "passed", script: ill + `RPC_SERVER_UID=4294967294 ill rpc doctor $W; RPC_SERVER_UID=me rpc doctor $W >/dev/null; echo $?; RPC_SERVER_UID=$UID rpc doctor $W | grep -c '^ok .*RPC_SERVER_UID'`,
		stdout: "bad RPC_SERVER_UID: user ... listens, RPC_SERVER_UID says 4294967294: calls are refused\n cure: RPC_SERVER_UID=... if that is the worker's user ...; else a stranger sits on the socket\nstatus 1\n1\n1\n"},
	{name: "doctor, variables that can't be used", on: "passed", script: ill + `RPC_PASS=pipe ill rpc doctor $W; RPC_TIMEOUT=1h30m ill rpc doctor $W; RPC_ENV==x ill rpc doctor $W; RPC_SERVER_UID=x ill rpc doctor $W | head -1; RPC_TIMEOUT=90m RPC_PASS=pipes rpc doctor $W | grep -c variables`,
		stdout: "bad variables: cannot use --pass \"pipe\": it is all, pipes or none\n cure: correct or unset it ...\nstatus 1\nbad variables: cannot use RPC_TIMEOUT=\"1h30m\": ...\n cure: ...\nstatus 1\n" +
			"bad variables: cannot use --env \"=x\": it is NAME or NAME=VALUE\n cure: ...\nstatus 1\nbad variables: cannot use --server-uid \"x\": it is a number\n0\n", status: 1},
	{name: "doctor, frozen", on: "passed bridge", script: ill + `kill -STOP $RPCD; wait_for is T $RPCD; ill rpc doctor $W; kill -CONT $RPCD`,
		stdout: "bad answer: accepts, but doesn't answer within 2s: frozen, or a bridge to nowhere\n cure: docker unpause, kill -CONT, ...\nstatus 1\n"},
	{name: "doctor, a bridge to nowhere", on: "bridge", script: ill + `socat UNIX-LISTEN:$PWD/drops,fork UNIX-CONNECT:./none 2>/dev/null & wait_for listens $PWD/drops; ill rpc doctor ./drops; kill $!`,
		stdout: "bad answer: accepts, and ends the connection at once: a bridge with nothing behind it?\n cure: both ends of the bridge, and rpcd at the far end, have to be up; here: socat UNIX-LISTEN:\"./drops\",fork TCP:HOST:PORT; there: ...\nstatus 1\n"},
	{name: "doctor, not an rpcd", on: "bridge", script: ill + `socat UNIX-LISTEN:$PWD/http,fork SYSTEM:'echo HTTP/1.1 400 Bad Request; cat >/dev/null' & a=$!; socat UNIX-LISTEN:$PWD/echo,fork EXEC:cat & wait_for listens $PWD/http $PWD/echo; ill rpc doctor ./http; ill rpc doctor ./echo; kill $a $!`,
		stdout: "bad answer: this isn't an rpcd: ...\n cure: name the socket that rpcd listens on (its log says \"serving\"); something else listens here\nstatus 1\n" +
			"bad answer: this isn't an rpcd: ...\n cure: name the socket ...\nstatus 1\n"},
	{name: "doctor, another version", on: "bridge", script: ill + `printf '\062\0\0\0\0\0\0\036\0\1\0\0\0\2\0\011\0\2\0\0\0\020speaks version 9' >answer
socat UNIX-LISTEN:$PWD/newer,fork SYSTEM:'cat answer; cat >/dev/null' & wait_for listens $PWD/newer; ill rpc doctor ./newer; kill $!`,
		stdout: "bad answer: ./newer speaks version 9\n cure: use rpc and rpcd of one release (...; this is rpc ...)\nstatus 1\n"},
	{name: "doctor, draining", on: "passed", ends: true, serve: []string{"--drain", "30s"}, script: ill + `rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' & wait_for test -e up; kill -TERM $RPCD
wait_for sh -c '! rpc ping $W >ping'; ill rpc doctor $W; : >go; wait`,
		stdout: "bad state: draining: new calls are refused\n cure: wait until it is back (rpc --wait 30s $W ...); rpc ps $W shows what it still runs\nstatus 1\n"},
	{name: "doctor, busy", on: "passed", serve: []string{"--max-calls", "1", "--queue", "1"}, script: ill + `hold() { rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done'; }
hold & wait_for test -e up; ill rpc doctor $W; rpc $W true & wait_for sh -c 'rpc ps $W | grep -q waiting'; ill rpc doctor $W; : >go; wait`,
		stdout: "bad places: busy: 1 of 1 calls run: the next one waits behind 0 others\n cure: see what runs (rpc ps $W; ...), or raise --max-calls; a pipeline of several calls to $W needs a place for each\nstatus 1\n" +
			"bad places: busy: 1 of 1 calls run, and 1 of 1 wait: the next one is refused\n cure: rpc --wait 30s $W ..., or see what runs (rpc ps $W), or raise --max-calls and --queue\nstatus 1\n"},
	{name: "doctor, a user that isn't mapped", on: "users", script: ill + `unshare -U --map-root-user rpcd serve --listen ./ns.sock --exports $D/ex --mode 0666 2>/dev/null & wait_for rpc ping ./ns.sock >ping; chmod 755 .
ill setpriv --reuid 4242 --regid 4343 --clear-groups rpc doctor ./ns.sock; kill $!; wait
rpcd serve --listen ./own.sock --exports $D/ex --mode 0666 2>/dev/null & wait_for rpc ping ./own.sock >ping; ill -n unshare -U rpc doctor ./own.sock; kill $!; wait`,
		stdout: "bad user: the worker sees you as 65534:65534: its user namespace doesn't know 4242:4343; no rule by uid or gid admits you, and rpc ps shows you nothing\n cure: run both sides in one user namespace ...\nstatus 1\n" +
			"note user: the worker sees you as 0:0, here you are 65534:65534...: a user namespace lies between\nstatus 0\n"},
	{name: "doctor, a folder that isn't shared", on: "users", script: ill + `mkdir other; unshare -m bash -c "$(declare -f ill)"'; mount -t tmpfs none other; cd other; ill rpc doctor $W; mkdir only; cd only; ill rpc doctor $W'`,
		stdout: "bad directory: \"$D/cwd/other\" here isn't the worker's \"$D/cwd/other\" (not a shared volume)\n cure: mount the same volume under the same path on both sides, or cd ..., or name one of the worker's (-C DIR, RPC_CHDIR), or set a workdir there ...\nstatus 1\n" +
			"bad directory: the worker has no \"$D/cwd/other/only\", or can't enter it\n cure: mount the same volume ...\nstatus 1\n"},
	{name: "doctor, a workdir", on: "users", serve: []string{"--workdir", "/"}, script: ill + `mkdir other; unshare -m bash -c "$(declare -f ill)"'; mount -t tmpfs none other; cd other; ill -n rpc doctor $W | grep -v "^note files\|cure"; rpc $W pwd'; ill rpc doctor -C /no/such $W`,
		stdout: "note directory: \"$D/cwd/other\" isn't shared: calls start in the worker's --workdir, ...\nstatus 0\n/\nbad directory: the worker has no \"/no/such\", or can't enter it\n cure: ...\nstatus 1\n"},
	{name: "doctor, a directory by name", on: "passed bridge", script: ill + `ill rpc doctor -C /no/such $W; RPC_CHDIR=/no/such ill rpc doctor $W; RPC_CHDIR=/no/such ill rpc doctor -C / $W`,
		stdout: "bad directory: the worker has no \"/no/such\", or can't enter it\n cure: mount the same volume ...\nstatus 1\n" +
			"bad directory: the worker has no \"/no/such\", or can't enter it\n cure: mount the same volume ...\nstatus 1\nstatus 0\n"},
	{name: "doctor, a directory that was removed", on: "passed", script: ill + `mkdir gone; cd gone; rmdir ../gone; rpc doctor $W | grep -A1 ^bad; echo ${PIPESTATUS[0]}`,
		stdout: "bad   directory: the directory here has no name (was it removed?)\n      cure: cd to another\n1\n"},
	{name: "doctor, nothing is exported", on: "passed", script: ill + `rm $D/ex/*; ill rpc doctor $W; procedure detect true; : >$D/ex/detect/allow; ill rpc doctor $W; echo uid $UID >$D/ex/detect/allow; ill rpc doctor $W`,
		stdout: "bad procedures: none that you may call\n cure: on the worker \"rpcd check\" shows ... allow files and --allow admit ...:...\nstatus 1\n" +
			"bad procedures: none that you may call\n cure: on the worker ...\nstatus 1\nstatus 0\n"},
	{name: "doctor, not admitted", on: "passed", serve: []string{"--allow", "uid 4294967294"}, script: ill + `ill rpc doctor $W`,
		stdout: "bad procedures: none that you may call\n cure: on the worker ... --allow admit ...:...\nstatus 1\n"},
	{name: "doctor, a pool with a dead replica", on: "passed", script: ill + `mkdir pool; ln -s $W pool/a.sock; rpcd serve --listen pool/b.sock --exports $D/ex 2>/dev/null & wait_for rpc ping ./pool/b.sock >ping; kill -9 $!; wait
rpc doctor ./pool/ | grep 'socket:\|folder:\|connect:\|procedures:'; ill rpc doctor ./pool/`,
		stdout: "ok    folder: \"./pool/\" holds 2 socket(s)\nok    socket: \"pool/a.sock\", ...\nok    connect: user ... listens\nok    procedures: ...\nok    socket: \"pool/b.sock\", ...\nbad   connect: nobody listens: ...\n" +
			"bad connect: nobody listens: ...\n cure: start the worker again, ...\nstatus 1\n"},
}
