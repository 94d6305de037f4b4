package main_test

// told runs a call with --status-fd and prints the line without what differs
// from run to run.
const told = `told() {
  rpc --status-fd 9 "$@" 9>told 2>/dev/null
  sed -E 's/"call":"[0-9]+"/"call":N/; s/seconds":[0-9.e-]+/seconds":N/g; s/"max_rss_kb":[1-9][0-9]*/"max_rss_kb":N/' told
}
`

const (
	costs = `"seconds":N,"user_seconds":N,"system_seconds":N,"max_rss_kb":N}` + "\n"
	cheap = `"seconds":N,"user_seconds":N,"system_seconds":N,"max_rss_kb":0}` + "\n"
)

// reportRows: --status-fd, and -v.
var reportRows = []row{
	{name: "status fd, the procedure's end", script: told + `told $W true; told $W sh -c 'exit 7'; told $W sh -c 'kill -9 $$'; told $W sh -c 'kill -USR1 $$'; :`,
		stdout: `{"outcome":"exited","started":true,"status":0,"signal":"","worker":"$W","call":N,` + costs +
			`{"outcome":"exited","started":true,"status":7,"signal":"","worker":"$W","call":N,` + costs +
			`{"outcome":"signaled","started":true,"status":137,"signal":"...KILL","worker":"$W","call":N,` + costs +
			`{"outcome":"signaled","started":true,"status":138,"signal":"...USR1","worker":"$W","call":N,` + costs},
	{name: "status fd, refused", script: told + `: >$D/ex/data; told $W nope; told $W data; told -e A=1 $W true; told -C /no/such $W true; told ./none true; told -e =1 $W true; told $W cat <.; :`,
		stdout: `{"outcome":"unknown","started":false,"status":127,"signal":"","worker":"$W","call":"",` + cheap +
			`{"outcome":"not-executable","started":false,"status":126,"signal":"","worker":"$W","call":"",` + cheap +
			`{"outcome":"denied","started":false,"status":126,"signal":"","worker":"$W","call":"",` + cheap +
			`{"outcome":"no-directory","started":false,"status":125,"signal":"","worker":"$W","call":"",` + cheap +
			`{"outcome":"unreachable","started":false,"status":125,"signal":"","worker":"./none","call":"",` + cheap +
			`{"outcome":"usage","started":false,"status":125,"signal":"","worker":"$W","call":"",` + cheap +
			`{"outcome":"usage","started":false,"status":125,"signal":"","worker":"$W","call":"",` + cheap},
	{name: "status fd, timeout", script: told + `told --timeout 0.3s $W sleep 99; told --timeout 4s $W sh -c 'trap "exit 0" TERM; sleep 99 & wait'; :`,
		stdout: `{"outcome":"timeout","started":true,"status":124,"signal":"...","worker":"$W","call":N,` + costs +
			`{"outcome":"timeout","started":true,"status":124,"signal":"","worker":"$W","call":N,` + costs},
	{name: "status fd, busy", serve: []string{"--max-calls", "1", "--queue", "0"}, script: told + `rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' & wait_for test -e up; told $W true; : >go; wait`,
		stdout: `{"outcome":"busy","started":false,"status":125,"signal":"","worker":"$W","call":"",` + cheap},
	{name: "status fd, lost", ends: true, script: told + `told $W sh -c 'echo $$ >pid; exec sleep 99' & wait_for test -s pid; wait_for grep -q 'start: call' $D/log; kill -9 $RPCD; wait; kill -9 $(<pid) 2>/dev/null || :`,
		stdout: `{"outcome":"lost","started":true,"status":125,"signal":"","worker":"$W","call":...,` + cheap},
	{name: "status fd, write error", on: "none bridge", script: told + `told $W yes >/dev/full 2>/dev/null; cat told | grep -o '^.*"status":125'`,
		stdout: `{"outcome":"write-error","started":true,"status":125` + "\n"},
	{name: "status fd, canceled", serve: []string{"--max-calls", "1"}, script: told + `set -m; rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' & wait_for test -e up
rpc --status-fd 9 $W true 9>out & wait_for sh -c 'rpc ping $W | grep -q "1 waiting"'; kill -TERM $!; wait $! 2>/dev/null; echo $?; : >go; wait; grep -o '^.*"signal":"[A-Z]*"' out`,
		stdout: "143\n" + `{"outcome":"canceled","started":false,"status":143,"signal":"SIGTERM"` + "\n"},
	{name: "status fd, canceled before there is a worker", on: "passed", script: `set -m; rpc --wait 60s --status-fd 9 ./none true 9>out & wait_for minds 20 $!; kill -INT $!; wait $! 2>/dev/null; echo $?; grep -o '^.*"signal":"[A-Z]*"' out`,
		stdout: "130\n" + `{"outcome":"canceled","started":false,"status":130,"signal":"SIGINT"` + "\n"},
	{name: "status fd, three interrupts", script: `set -m; rpc --status-fd 9 $W sh -c 'trap "" INT; : >up; while :; do sleep 0.02; done' 9>out & wait_for test -e up
for i in 1 2 3; do kill -INT $!; sleep 0.1; done; wait $! 2>/dev/null; echo $?; grep -o '^.*"signal":"[A-Z]*"' out`,
		stdout: "130\n" + `{"outcome":"canceled","started":true,"status":130,"signal":"SIGINT"` + "\n"},
	{name: "status fd is one of the three", script: `rpc --status-fd 1 $W true | grep -c '"outcome":"exited"'; rpc --status-fd 2 $W true 2>&1 | grep -c '"outcome":"exited"'`, stdout: "1\n1\n"},
	{name: "status fd that isn't open", script: `rpc --status-fd 9 $W echo ran 9>&-; echo $?`, stdout: "125\n", stderr: "rpc: ...9...\n"},
	{name: "status fd of rpc's own", script: `for n in {3..9}; do rpc --status-fd $n $W echo ran 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- 2>e; echo $n $? $(grep -c "^rpc: .* $n: .* isn't open$" e); done`,
		stdout: "3 125 1\n4 125 1\n5 125 1\n6 125 1\n7 125 1\n8 125 1\n9 125 1\n"},
	{name: "status fd that can't be written", script: `rpc --status-fd 9 $W echo ran 9</dev/null; echo $?; for n in -1 -3 4294967298 4294967297; do rpc --status-fd $n $W echo ran; echo $?; done`, stdout: "125\n125\n125\n125\n125\n",
		stderr: "rpc: cannot use --status-fd 9: that descriptor isn't open for writing\nrpc: cannot use --status-fd -1: that is no descriptor\nrpc: cannot use --status-fd -3: that is no descriptor\n" +
			"rpc: cannot use --status-fd 4294967298: that is no descriptor\nrpc: cannot use --status-fd 4294967297: that is no descriptor\n"},
	{name: "verbose, passed", on: "passed", script: `rpc -v $W sh -c 'echo ran >&2' </dev/null 2>&1 >f | cat; rpc -v $W true 2>&1 | cat`,
		stdout: "rpc: $W at \"$W\" in \"$D/cwd\": stdin passed; stdout passed; stderr passed\nran\nrpc: $W at \"$W\" in \"$D/cwd\": stdin passed; stdout passed; stderr same as stdout\n"},
	{name: "verbose, relayed", on: "none", script: `rpc -v $W true </dev/null 2>&1 >f | cat; RPC_PASS= rpc --pass pipes -v $W true </dev/null 2>&1 >f | cat`,
		stdout: "rpc: $W at \"$W\" in \"$D/cwd\": stdin relayed (--pass none); stdout relayed (--pass none); stderr relayed (--pass none)\n" +
			"rpc: $W at \"$W\" in \"$D/cwd\": stdin passed; stdout relayed (--pass pipes); stderr passed\n"},
	{name: "verbose, bridged", on: "bridge", script: `rpc -v $W true </dev/null 2>&1 >f | cat`,
		stdout: "rpc: $W at \"$W\" in \"$D/cwd\": stdin relayed (bridged); stdout relayed (bridged); stderr relayed (bridged)\n"},
	{name: "ps, a caller that stops", on: "passed bridge", script: `set -m; mkfifo go
call --label 'my job' $W sh -c 'echo $$ >pid; read x <go' >out
wait_for test -s pid; rpc ps $W | grep -c 'sh .* running  *my job$'
wait_for minds 20 $rpc; kill -TSTP $rpc; wait_for is T $rpc; wait_for sh -c 'rpc ps $W | grep -q " stopped "'
rpc ps --json $W | grep -c "\"bridged\": $([[ $T == bridge ]] && echo true || echo false)"
kill -CONT $rpc; wait_for sh -c 'rpc ps $W | grep -q " running "'; : >go; wait $job; cat rc; rpc ps --json $W`, stdout: "1\n1\n1\n[]\n"},
}
