package main_test

import "time"

// streamRows: what a procedure writes.
var streamRows = []row{
	{name: "stdout and stderr apart", script: `rpc $W sh -c 'echo out; echo err >&2' >o 2>e; cat o; echo -; cat e`, stdout: "out\n-\nerr\n"},
	{name: "50 MB on both at once", script: `head -c 50000000 /dev/urandom >a; head -c 50000000 /dev/urandom >b
{ rpc $W sh -c 'cat <$0 & cat <$1 >&2; wait' $PWD/a $PWD/b | cmp - a; } 2>&1 >o | cmp - b; cat o; echo ${PIPESTATUS[@]}; rm a b`, stdout: "0\n"},
	{name: "a full stdout stalls neither stderr nor signals", script: `set -m
mkfifo f; exec 3<>f
rpc $W sh -c 'trap "echo trapped >&2; exit 9" TERM; cat /dev/zero & echo up >&2; wait' >&3 2>e &
p=$!; wait_for grep -q up e; sleep 0.2; kill -TERM $p; wait_for grep -q trapped e
cat <&3 >/dev/null & c=$!; wait $p; echo $?; kill $c; cat e`, stdout: "9\nup\ntrapped\n"},
	{name: "stderr after the end of stdout", script: `rpc $W sh -c 'echo out; exec >&-; sleep 0.3; echo late >&2; exit 4' 2>e | cat; echo ${PIPESTATUS[0]}; cat e`, stdout: "out\n4\nlate\n"},
	{name: "last bytes before the end", time: 5 * time.Minute, script: `n=$((${SHORT:-0} ? 50 : 1000))
for ((i = 0; i < n; i++)); do
  out=$(rpc $W sh -c 'printf "%06d\n" $1; printf "%06d\n" $1 >&2; kill -9 $$' sh $i 2>e)
  s=$?
  printf -v want %06d $i
  [[ $s == 137 && $out == "$want" && $(<e) == "$want" ]] || echo "call $i: $s, $out, $(<e)"
done 2>/dev/null`},
	{name: "a full pipe before the end", script: `for i in {1..30}; do
  rpc $W sh -c 'printf "%060000d\n" $1; printf "%060000d\n" $1 >&2; kill -9 $$' sh $i 2> >(wc -c >&3) | wc -c
done 3>&1 2>/dev/null | sort | uniq -c`, stdout: "     60 60001\n"},
	{name: "yes into head", on: everywhere + " users", script: `rpc $W yes | head -1; echo ${PIPESTATUS[0]}`, stdout: "y\n141\n"},
	{name: "a reader that is gone before", script: `mkfifo f; exec 3<>f; exec 4>f; exec 3<&-; rpc $W yes >&4; echo $?`, stdout: "141\n"},
	{name: "a reader that leaves stderr", script: `{ rpc $W sh -c 'yes >&2' 2>&1 >&3 | head -1; } 3>/dev/null; echo ${PIPESTATUS[0]}`, stdout: "y\n141\n"},
	{name: "an early close is seen", script: `rpc $W sh -c 'echo a; exec >&-; i=0; while [ $i -lt 400 ]; do [ -e seen ] && exit 0; sleep 0.05; i=$((i+1)); done; exit 9' | { cat; : >seen; }
echo ${PIPESTATUS[0]}`, stdout: "a\n0\n"},
	{name: "the order of lines in one stream", script: `rpc $W sh -c 'i=0; while [ $i -lt 1000 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done' >got 2>&1
for ((i = 0; i < 1000; i++)); do echo o$i; echo e$i; done >want; cmp got want && echo file
rpc $W sh -c 'i=0; while [ $i -lt 1000 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done' 2>&1 | cmp - want && echo pipe`, stdout: "file\npipe\n"},
	{name: "one line at a time", script: `rpc $W sh -c 'for i in 1 2 3; do echo $i; n=0; while [ ! -e seen$i ] && [ $n -lt 400 ]; do sleep 0.05; n=$((n+1)); done; [ -e seen$i ] || exit 9; done' | while read -r l; do echo $l; : >seen$l; done
echo ${PIPESTATUS[0]}`, stdout: "1\n2\n3\n0\n"},
	{name: "nothing of rpc's own on stdout", script: `rpc $W nope 2>/dev/null; rpc -v $W true 2>/dev/null; rpc 2>/dev/null; rpc --nope $W true 2>/dev/null; rpc nosuch true 2>/dev/null`, status: 125},

	{name: "a grandchild that holds stdout", script: `t=$(now)
{ wait_for test -e ended; exec sleep 3; } & later=$!
rpc $W sh -c 'sleep 60 & echo $!; : >ended; exit 7' >out; echo $?
gone $later || echo at once; kill $later 2>/dev/null
wait_for gone $(<out) && echo gone
rpc $W sh -c 'sleep 60 & echo $!; exit 7' | cat >out; echo ${PIPESTATUS[0]}
(($(now) - t < 20)) && wait_for gone $(<out) && echo gone`, stdout: "7\nat once\ngone\n7\ngone\n"},
	{name: "a grandchild that writes on", script: `rpc $W sh -c 'echo early; { sleep 0.05; echo late; sleep 60; } & exit 7' | head -1; echo ${PIPESTATUS[0]}`, stdout: "early\n7\n"},
	{name: "a grandchild that writes fast", script: `rpc $W sh -c 'yes & exit 7' | while (($(head -c 100000 | wc -c))); do sleep 0.02; done; echo ${PIPESTATUS[0]}
rpc $W sh -c 'yes >&2 & head -c 500000 /dev/zero; exit 7' 2> >(while (($(head -c 100000 | wc -c))); do sleep 0.02; done) | wc -c; echo ${PIPESTATUS[0]}`, stdout: "7\n500000\n7\n"},
	{name: "another reader of its own stdout", script: `rpc $W sh -c 'yes & head -c 200000000 </proc/self/fd/1 >/dev/null; exit 5' | cat >/dev/null; echo ${PIPESTATUS[0]}`, stdout: "5\n"},
	{name: "keep", ends: true, script: `procedure kept sh; : >$D/ex/kept/keep
rpc $W kept -c 'sleep 60 >/dev/null 2>&1 & echo $!; exit 7' >out; echo $?
rpc $W sh -c 'sleep 60 >/dev/null 2>&1 & echo $!' >out2
wait_for gone $(<out2) && echo one is gone; gone $(<out) || echo the kept one lives
kill $(<out)`, stdout: "7\none is gone\nthe kept one lives\n"},
	{name: "keep of serve", serve: []string{"--keep"}, ends: true, script: `rpc $W sh -c 'sleep 60 >/dev/null 2>&1 & echo $!; exit 7' >out; echo $?
rpc $W true; sleep 0.3; gone $(<out) || echo lives; kill $(<out)`, stdout: "7\nlives\n"},

	{name: "default dispositions", script: `trap '' PIPE HUP; rpc $W bash -c 'trap; grep -E "Sig(Ign|Blk)" /proc/$$/status' </dev/null`, stdout: "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n", stderr: ""},
}
