package main_test

// signalRows: signals of the caller's.
var signalRows = []row{
	{name: "a trap answers each signal", script: `set -m
for s in INT TERM HUP QUIT USR1 USR2; do
  rm -f out; rpc $W sh -c "trap 'echo got $s; exit 40' $s; echo ready; sleep 99 & wait" >out &
  wait_for grep -q ready out; kill -$s $!; wait $!; echo $? $(tail -1 out)
done`, stdout: "40 got INT\n40 got TERM\n40 got HUP\n40 got QUIT\n40 got USR1\n40 got USR2\n"},
	{name: "signals without a trap", script: `set -m
for s in INT TERM HUP QUIT USR1 USR2; do
  perl -e 'system { $ARGV[0] } @ARGV; print $? & 127, "\n"' rpc $W sh -c 'echo $$ >pid; exec sleep 99' &
  wait_for test -s pid; kill -$s $(cat /proc/$!/task/*/children); wait $!
  wait_for gone $(<pid); rm pid
done`, stdout: "2\n15\n1\n3\n10\n12\n"},
	{name: "the whole group gets it", script: `set -m
rpc $W sh -c 'sh -c "trap \"echo child; exit\" TERM; : >a; sleep 99 & wait" & trap "wait; echo leader; exit 5" TERM; : >b; wait' >out &
wait_for test -e a -a -e b; kill -TERM $!; wait $!; echo $?; sort out`, stdout: "5\nchild\nleader\n"},
	{name: "an ignored signal stays ignored", script: `trap '' HUP; set -m
rpc $W sh -c 'trap "echo no" HUP; : >up; while [ ! -e go ]; do sleep 0.02; done; echo end' &
wait_for test -e up; kill -HUP $!; sleep 0.2; : >go; wait $!; echo $?`, stdout: "end\n0\n"},
	{name: "a background job of a script ignores INT", script: `rpc $W sh -c 'trap "echo no" INT; : >up; while [ ! -e go ]; do sleep 0.02; done; echo end' &
wait_for test -e up; kill -INT $!; sleep 0.2; : >go; wait $!; echo $?`, stdout: "end\n0\n"},
	{name: "a signal that the procedure ignores", script: `set -m
rpc $W sh -c 'trap "" TERM; : >up; while [ ! -e go ]; do sleep 0.02; done; echo end' &
wait_for test -e up; kill -TERM $!; sleep 0.1; kill -TERM $!; sleep 0.2; : >go; wait $!; echo $?`, stdout: "end\n0\n"},
	{name: "three interrupts", serve: []string{"--grace", "60s"}, script: `set -m
for s in INT TERM; do
  rm -f pids; perl -e 'system { $ARGV[0] } @ARGV; print $? & 127, "\n"' rpc $W sh -c 'trap "" INT TERM; sleep 99 & echo $$ $! >pids.; mv pids. pids; sleep 99; sleep 99' &
  wait_for test -s pids; p=$(cat /proc/$!/task/*/children)
  ends() { kill -$s $p; gone $p; }; wait_for ends # of several that come together it sees one
  wait $!; wait_for gone $(<pids) && echo gone
done`, stdout: "2\ngone\n15\ngone\n"},
	{name: "a caller that stops", script: `set -m; mkfifo go
call --heartbeat 3s $W sh -c 'echo $$ >pid; read x <go; echo end; exit 6' >out
wait_for test -s pid; wait_for minds 20 $rpc; kill -TSTP $rpc
wait_for is T $rpc && wait_for is T $(<pid) && echo both stopped
sleep 4; is T $rpc && is T $(<pid) && echo still; kill -CONT $rpc; : >go; wait $job; cat rc out`, stdout: "both stopped\nstill\n6\nend\n"},
	{name: "a caller that stops twice", script: `set -m; mkfifo go
call $W sh -c 'echo $$ >pid; read x <go; exit 6'
wait_for test -s pid; wait_for minds 20 $rpc
for i in 1 2 3; do kill -TSTP $rpc; wait_for is T $rpc && wait_for is T $(<pid); kill -CONT $rpc; wait_for is S $(<pid); done
: >go; wait $job; cat rc`, stdout: "6\n"},
	{name: "a caller that is killed while stopped", script: `set -m
call $W sh -c 'echo $$ >pid; exec sleep 99'; wait_for test -s pid; wait_for minds 20 $rpc; kill -TSTP $rpc; wait_for is T $(<pid); kill -KILL $rpc; wait_for gone $(<pid) && echo gone`, stdout: "gone\n"},
	{name: "a frozen caller", on: "passed none", script: short + `mkfifo go; written() { gone $(<seq) || still $(<seq); }
call --heartbeat 1s $W sh -c 'echo $$ >pid; read x <go; seq 1000000 & echo $! >seq; wait $!; exit 6' >out
wait_for test -s pid; kill -STOP $rpc; wait_for is T $rpc; : >go; wait_for test -s seq; wait_for written
[[ $T == passed ]] || is S $(<seq) && echo as it should; rpc $W echo other; sleep 2.5; kill -CONT $rpc; wait $job; cat rc; seq 1000000 | cmp - out && echo same`, stdout: "as it should\nother\n6\nsame\n"},
	{name: "a frozen caller behind a bridge", on: "bridge", script: `call --heartbeat 1s $W sh -c 'echo $$ >pid; exec sleep 99'
wait_for test -s pid; kill -STOP $rpc; wait_for is T $rpc; wait_for gone $(<pid) && echo gone; kill -CONT $rpc; wait $job; cat rc`, stdout: "gone\n125\n", stderr: "rpc: ...\n"},
	{name: "a quiet call behind a bridge", script: `rpc --heartbeat 4s $W sh -c 'sleep 5; echo end'; echo $?`, stdout: "end\n0\n"},
	{name: "a frozen worker behind a bridge", on: "bridge", script: `rpc --heartbeat 1s $W sh -c 'echo $$ >pid; sleep 99' & wait_for test -s pid; kill -STOP $RPCD; wait_for is T $RPCD; t=$(now); wait $!; echo $?; (($(now) - t < 15)) && echo noticed; kill -CONT $RPCD; wait_for gone $(<pid) && echo gone`,
		stdout: "125\nnoticed\ngone\n", stderr: "rpc: ...\n"},
	{name: "a signal in the queue of a frozen worker", on: "passed bridge", serve: []string{"--max-calls", "1"}, script: `set -m; rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' & wait_for test -e up
rpc $W touch ran & p=$!; wait_for sh -c 'rpc ping $W | grep -q "1 waiting"'; kill -STOP $RPCD; wait_for is T $RPCD; kill -TERM $p; wait $p; echo $?; kill -CONT $RPCD
: >go; wait %1; rpc $W true; ls ran 2>/dev/null || echo never ran`, stdout: "143\nnever ran\n"},
	{name: "a frozen worker at the start", on: "passed bridge", script: `kill -STOP $RPCD; wait_for is T $RPCD; t=$(now); rpc $W true; echo $?; kill -CONT $RPCD; (($(now) - t < 20)) && echo bounded`, stdout: "125\nbounded\n", stderr: "rpc: ...\n"},
}
