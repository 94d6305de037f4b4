package main_test

// stdinRows: what a procedure reads.
var stdinRows = []row{
	{name: "stdin empty", script: `rpc $W wc -c </dev/null; : | rpc $W wc -c; : >e; rpc $W wc -c <e`, stdout: "0\n0\n0\n"},
	{name: "stdin small", on: everywhere + " users", script: `printf 'b\na\n' | rpc $W sort`, stdout: "a\nb\n"},
	{name: "stdin huge", script: `head -c 50000000 /dev/urandom >data
[[ $(rpc $W cksum <data) == $(cksum <data) ]] && echo file
[[ $(cat data | rpc $W cksum) == $(cksum <data) ]] && echo pipe
cat data | rpc $W cat | cmp - data && echo through; rm data`, stdout: "file\npipe\nthrough\n"},
	{name: "stdin unread", script: `head -c 5000000 /dev/zero >data; cat data | rpc $W true; echo ${PIPESTATUS[@]}; rpc $W true <data; echo $?`, stdout: "141 0\n0\n"},
	{name: "stdin endless", script: `rpc $W head -c 3 </dev/zero | wc -c; rpc $W true </dev/zero; echo $?; yes | rpc $W head -1; echo ${PIPESTATUS[@]}; rpc $W true < <(exec sleep 99 2>/dev/null); echo $?`,
		stdout: "3\n0\ny\n141 0\n0\n"},
	{name: "stdin null", script: `echo x | rpc -n $W wc -c; echo x | rpc --stdin-null $W wc -c`, stdout: "0\n0\n"},
	{name: "a null device that can't be read", script: `rpc $W true 0>/dev/null; echo $?`, stdout: "0\n"}, // as nohup(1) leaves it
	{name: "stdin held open", script: `mkfifo f; exec 3<>f; rpc $W sh -c 'echo ran' <&3; echo $?`, stdout: "ran\n0\n"},
	{name: "stdin's end is seen", script: `{ echo a; sleep 0.3; echo b; } | rpc $W sh -c 'cat; echo end'`, stdout: "a\nb\nend\n"},
	{name: "an answer before the end", script: `coproc rpc $W cat
for i in 1 2 3; do echo $i >&"${COPROC[1]}"; read -r x <&"${COPROC[0]}"; echo got $x; done
exec {COPROC[1]}>&-; wait $!; echo $?`, stdout: "got 1\ngot 2\ngot 3\n0\n"},

	{name: "closed in every combination", script: `call() { rpc $W sh -c 'echo out; echo err >&2; cat; exit 3'; }
{ call <&-; echo $? >&3
  call >&-; echo $? >&3
  call 2>&-; echo $? >&3
  call <&- >&-; echo $? >&3
  call <&- 2>&-; echo $? >&3
  call >&- 2>&-; echo $? >&3
  call <&- >&- 2>&-; echo $? >&3; } 3>&1 1>o 2>e </dev/null
sort o | uniq -c; sort e | uniq -c`,
		stdout: "3\n3\n3\n3\n3\n3\n3\n      3 out\n      3 err\n"},
	{name: "closed for an unknown procedure", script: `rpc $W nope <&- >&-; echo $?; rpc $W nope <&- >&- 2>&-; echo $?`,
		stdout: "127\n127\n", stderr: "rpc: $W has no procedure ...\n"},
	{name: "descriptors of the caller don't leak", script: `exec 5</dev/null 6>out; rpc $W ls /proc/self/fd`, stdout: "0\n1\n2\n3\n"},

	{name: "the rest of a list", script: `seq 30000 >list
{ rpc $W true; cat; } <list | cmp - list && echo whole
{ rpc $W echo ran; cat; } <list | cmp - <(echo ran; cat list) && echo whole
{ rpc $W dd bs=1 count=4; cat; } <list 2>/dev/null | cmp - list && echo whole
{ rpc $W sh -c 'read a; read b; echo $a; echo $b'; cat; } <list | cmp - list && echo whole
{ rpc $W sh -c 'sleep 0.3; exit 1'; cat; } <list | cmp - list && echo whole
{ rpc -n $W cat; cat; } <list | cmp - list && echo whole
{ rpc $W cat; cat; } <list | cmp - list && echo whole
{ rpc $W nope; cat; } 2>/dev/null <list | cmp - list && echo whole`, stdout: "whole\nwhole\nwhole\nwhole\nwhole\nwhole\nwhole\nwhole\n"},
	{name: "a loop over a list", script: `printf '%s\n' a b c >list; while read -r f; do rpc $W echo $f; done <list`, stdout: "a\nb\nc\n"},
	{name: "a loop over a pipe", on: "passed users", script: `printf '%s\n' a b c | while read -r f; do rpc $W echo $f; done`, stdout: "a\nb\nc\n"},
	{name: "a loop whose call reads", script: `printf '%s\n' a b c | while read -r f; do echo "f=$f"; rpc $W cat; done`, stdout: "f=a\nb\nc\n"},
	{name: "a position that is moved", script: `printf 0123456789 >f
{ rpc $W dd bs=1 skip=3 count=2; cat; } <f 2>/dev/null; echo
{ head -c 2; rpc $W head -c 3; cat; } <f; echo
exec 4<>f; printf ab >&4; rpc $W sh -c 'printf cd' >&4; printf ef >&4; cat f; echo`, stdout: "3456789\n0123456789\nabcdef6789\n"},
	{name: "a file stays seekable", on: "passed", script: `seq 100000 >f; rpc $W tail -c 7 <f
rpc $W bash -c 'exec 3<&0; head -c 2 <&0; [[ -f /dev/stdin ]] && stat -L -c %s /dev/stdin' <f`, stdout: "100000\n1\n588895\n"},
	{name: "appended", script: `echo a >f; rpc $W echo b >>f; echo c >>f; rpc $W sh -c 'echo d; echo e' >>f; cat f`, stdout: "a\nb\nc\nd\ne\n"},
}
