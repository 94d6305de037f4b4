package main_test

// endRows: who vanishes.
var endRows = []row{
	{name: "a caller that is killed", script: `rpc $W sh -c 'trap "" TERM; sleep 999 & echo $$ $! >pids.; mv pids. pids; sleep 999; sleep 999' &
wait_for test -s pids; t=$(now); kill -9 $!; wait $! 2>/dev/null; wait_for gone $(<pids) && echo gone; (($(now) - t < 10)) && echo in time`, stdout: "gone\nin time\n"},
	{name: "a caller that is killed, and a trap", script: `rpc $W sh -c 'trap "echo cleaned >trace; exit" TERM; : >up; sleep 99 & wait' & wait_for test -e up; kill -9 $!; wait_for test -s trace; cat trace`, stdout: "cleaned\n"},
	{name: "a caller that is killed, and a stopped group", script: `rpc $W sh -c 'trap "echo cleaned >trace; exit" TERM; echo $$ >pid; kill -STOP $$; exit' & wait_for test -s pid; wait_for is T $(<pid); kill -9 $!; wait_for test -s trace; cat trace`, stdout: "cleaned\n"},
	{name: "a caller that is killed while it writes", script: `mkfifo f; exec 3<>f; rpc $W sh -c 'echo $$ >pid; exec cat /dev/zero' >&3 & wait_for test -s pid; sleep 0.2; kill -9 $!; wait_for gone $(<pid) && echo gone`, stdout: "gone\n"},
	{name: "a caller that is killed in the queue", serve: []string{"--max-calls", "1"}, script: `rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' & wait_for test -e up
rpc $W touch ran & p=$!; wait_for sh -c 'rpc ping $W | grep -q "1 waiting"' && kill -9 $p; wait_for sh -c 'rpc ping $W | grep -q "0 waiting"'; : >go; wait %1; rpc $W true; ls ran 2>/dev/null || echo never ran`, stdout: "never ran\n"},
	{name: "a signal in the queue", serve: []string{"--max-calls", "1"}, script: `set -m; rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' & wait_for test -e up
rpc $W touch ran & p=$!; wait_for sh -c 'rpc ping $W | grep -q "1 waiting"'; kill -TERM $p; wait $p 2>/dev/null; echo $?; : >go; wait %1; rpc $W true; ls ran 2>/dev/null || echo never ran`, stdout: "143\nnever ran\n"},
	{name: "a daemon that is killed", ends: true, script: `rpc $W sh -c 'echo $$ >pid; echo so far; exec sleep 999' >out & wait_for grep -q "so far" out; kill -9 $RPCD; wait $!; echo $?; cat out; kill -9 $(<pid) 2>/dev/null || :`,
		stdout: "125\nso far\n", stderr: "rpc: lost the connection to $W ...\n"},
	{name: "a daemon that is killed often", ends: true, script: `for i in {1..20}; do { rpc $W sh -c 'exec 9<>/dev/null; sleep 0.0$((RANDOM % 9 + 1)) 2>/dev/null || sleep 0.05; exit 0'; echo $?; } >out$i 2>/dev/null & done; sleep 0.05; kill -9 $RPCD; wait
cat out* | sort -u | grep -vx '0\|125'; rpc $W true; echo $?`, stdout: "125\n", stderr: "rpc: ...\n"},
	{name: "exports change while a call runs", script: `mkfifo go; procedure p sh
call $W p -c 'echo $$ >pid; read x <go; echo end; exit 6' >out; wait_for test -s pid
echo 'uid 4294967294' >$D/ex/p/allow; rpc $W p -c true; echo $?
rm -r $D/ex/p; rpc $W p -c true; echo $?
procedure q sh; rpc $W q -c 'echo new'; : >go; wait $job; cat rc out`,
		stdout: "126\n127\nnew\n6\nend\n", stderr: "rpc: $W cannot run \"p\": ...\nrpc: $W has no procedure \"p\" ...\n"},
	{name: "a daemon that drains", ends: true, serve: []string{"--drain", "20s"}, script: `rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done; echo end; exit 5' & wait_for test -e up; kill -TERM $RPCD
refused() { ! rpc $W true 2>e; }; wait_for refused; rpc $W true; echo $?; : >go; wait %1; echo $?; wait_for gone $RPCD; ls $D/sock | grep -c w.sock; :`, stdout: "125\nend\n5\n0\n", stderr: "rpc: $W is draining...\n"},
	{name: "a daemon whose drain runs out", ends: true, serve: []string{"--drain", "0.3s"}, script: `rpc $W sh -c 'trap "echo told; exit 9" TERM; : >up; sleep 99 & wait' & wait_for test -e up; kill -TERM $RPCD; wait $!; echo $?; wait_for gone $RPCD && echo gone`, stdout: "told\n9\ngone\n"},
	{name: "a daemon that is told twice", ends: true, serve: []string{"--drain", "50s", "--grace", "50s"}, script: `rpc $W sh -c 'trap "" TERM; echo $$ >pid; while :; do sleep 1; done' 2>e & wait_for test -s pid; kill -TERM $RPCD; wait_for grep -q draining $D/log; kill -TERM $RPCD; wait $!; (($?)) && echo failed; wait_for gone $RPCD $(<pid) && echo gone`,
		stdout: "failed\ngone\n"},
	{name: "HUP changes nothing", script: `kill -HUP $RPCD; rpc $W true; ln -s $(type -P true) $D/ex/fresh; rpc $W fresh; echo $?`, stdout: "0\n"},
	{name: "a socket that is unlinked", script: `rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done; echo end; exit 4' & wait_for test -e up; mv $W $W.away; : >go; wait $!; echo $?; mv $W.away $W`, stdout: "end\n4\n"},
	{name: "a bridge that is cut", on: "bridge", script: `rpc $W sh -c 'echo $$ >pid; exec sleep 999' & wait_for test -s pid
for p in /proc/[0-9]*; do # the socats of this call: children of the one that listens on our socket
  if [[ $(tr '\0' ' ' 2>/dev/null <$p/cmdline) == *"socat UNIX-LISTEN:$W"* ]]; then socats+=(${p#/proc/}); fi
done
kill -9 ${socats[@]} 2>/dev/null; wait $!; echo $?; wait_for gone $(<pid) && echo gone`, stdout: "125\ngone\n", stderr: "rpc: lost the connection to $W ...\n"},
}

// limitRows: time limits, and places.
var limitRows = []row{
	{name: "timeout", script: `rpc --timeout 4s $W sh -c 'echo so far; exec sleep 99'; echo $?; RPC_TIMEOUT=500ms rpc $W sleep 99; echo $?; rpc --timeout 20 $W sh -c 'exit 3'; echo $?`, stdout: "so far\n124\n124\n3\n",
		stderr: "rpc: $W: the time limit ended \"sh\"...\nrpc: $W: the time limit ended \"sleep\"...\n"},
	{name: "timeout and a trap", script: `rpc --timeout 4s $W sh -c 'trap "echo told; exit 0" TERM; sleep 99 & wait'`, stdout: "told\n", status: 124, stderr: "rpc: ...\n"},
	{name: "timeout and a call that ignores TERM", script: `rpc --timeout 4s $W sh -c 'trap "" TERM; echo $$ >pid; sleep 99; sleep 99'; echo $?; wait_for gone $(<pid) && echo gone`, stdout: "124\ngone\n", stderr: "rpc: ...\n"},
	{name: "timeout and a stopped group", script: `rpc --timeout 0.5s $W sh -c 'kill -STOP $$'`, status: 124, stderr: "rpc: ...\n"},
	{name: "timeout and a frozen worker", script: `rpc --timeout 4s $W sh -c 'echo $$ >pid; sleep 99' & wait_for test -s pid; wait_for grep -q 'start: call' $D/log; kill -STOP $RPCD; t=$(now); wait $!; echo $?; (($(now) - t < 15)) && echo bounded; kill -CONT $RPCD; wait_for gone $(<pid)`,
		stdout: "124\nbounded\n", stderr: "rpc: ...\n"},
	{name: "serve's timeout", serve: []string{"--timeout", "0.5s"}, script: `rpc $W sleep 99; echo $?; rpc --timeout 20s $W sleep 99; echo $?`, stdout: "124\n124\n", stderr: "rpc: ...\nrpc: ...\n"},
	{name: "a procedure's timeout", script: `procedure p sleep; echo 0.5s >$D/ex/p/timeout; rpc $W p 99; echo $?; rpc $W sleep 0.7; echo $?; echo 20s >$D/ex/p/timeout; rpc $W p 0; echo $?`, stdout: "124\n0\n0\n", stderr: "rpc: ...\n"},
	{name: "busy", serve: []string{"--max-calls", "1", "--queue", "0"}, script: `rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' & wait_for test -e up; rpc $W true; echo $?; : >go; wait; rpc --wait 10s $W true; echo $?`, stdout: "125\n0\n", stderr: "rpc: $W is busy: 1 running (1 sh)...\n"},
	{name: "wait while busy", serve: []string{"--max-calls", "1", "--queue", "0"}, script: `rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' & wait_for test -e up; rpc --wait 20s $W echo ran & sleep 0.3; : >go; wait %2; echo $?; wait`, stdout: "ran\n0\n"},
	{name: "the queue's order", serve: []string{"--max-calls", "1"}, script: `rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' & wait_for test -e up
for i in 1 2 3 4 5; do rpc $W sh -c "echo $i >>order" & wait_for sh -c "rpc ping $W | grep -q '$i waiting'"; done; : >go; wait; cat order`, stdout: "1\n2\n3\n4\n5\n"},
	{name: "how long one may wait", serve: []string{"--max-calls", "1", "--queue-wait", "0.3s"}, script: `rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' & wait_for test -e up; rpc $W true; echo $?; : >go; wait`, stdout: "125\n", stderr: "rpc: $W is busy: waited 300ms behind 1 running (1 sh)\n"},
	{name: "a procedure's places", script: `procedure p sh; echo 1 >$D/ex/p/max-calls; rpc $W p -c ': >up; while [ ! -e go ]; do sleep 0.02; done; echo first >>order' & wait_for test -e up; rpc $W p -c 'echo second >>order' & wait_for sh -c 'rpc ping $W | grep -q "1 waiting"'; rpc $W echo other; : >go; wait; cat order`, stdout: "other\nfirst\nsecond\n"},
	{name: "waiting isn't counted", serve: []string{"--max-calls", "1"}, script: `rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' & wait_for test -e up; rpc --timeout 4s $W echo ran & wait_for sh -c 'rpc ping $W | grep -q "1 waiting"'; sleep 5; : >go; wait $!; echo $?`, stdout: "ran\n0\n"},
	{name: "leftovers of a call whose output isn't taken", on: "none bridge", serve: []string{"--grace", "1s"}, script: `mkfifo out; exec 9<>out
rpc $W sh -c 'trap "" TERM; sleep 99 & echo $! >pid.; mv pid. pid; head -c 700000 /dev/zero' >out &
wait_for test -s pid; wait_for gone $(<pid) && echo gone; head -c 700000 <&9 | wc -c; wait $!; echo $?`, stdout: "gone\n700000\n0\n"},
}
