package main_test

// held starts calls that wait for their end: `hold N` begins N of them and
// returns when all run, `release` ends them. Descriptor 3 is theirs, and open in
// each before it says that it runs: who opened it after release would wait for
// ever.
const held = `mkfifo go; exec 3<>go
hold() { for ((i = 1; i <= $1; i++)); do rpc $W sh -c '{ : >held$0; read x; } <go' $i 3>&- 4>&- & done
  wait_for sh -c "[ \$(ls | grep -c ^held) = $1 ]"; }
release() { exec 3>&-; wait; }
`

// strangerRows: what a procedure gets of rpcd, of other calls and of its
// caller, and what of theirs is written down: nothing beyond what was asked.
var strangerRows = []row{
	{name: "a directory of rpcd's own", script: `for d in /proc/self/cwd /proc/self/root /proc/self/fd/3 /proc/self/fd/3/.. /proc/$RPCD/root /dev/fd/5; do
  rpc -C $d $W pwd 2>e; echo $? $(wc -l <e)
done`, stdout: "125 1\n125 1\n125 1\n125 1\n125 1\n125 1\n"},
	{name: "descriptors of 100 calls at once", script: `mkfifo go; exec 3<>go
for i in {1..100}; do rpc $W sh -c '{ : >up$0; read x; } <go; exec ls -l /proc/self/fd' $i >out$i 3>&- & done
wait_for sh -c '[ $(ls | grep -c ^up) = 100 ]'; exec 3>&-; wait
cat out* | sed -n 's/.* \([0-9]* -> .*\)/\1/p' >all; grep -v '^[012] ' all | sed 's,/[0-9]*/,/N/,' | sort | uniq -c; grep -c '^[012] ' all; grep -c 'socket:\|anon_inode:' all`,
		stdout: "    100 3 -> /proc/N/fd\n300\n0\n", status: 1},
	{name: "the end of a stream while other calls run", script: held + `mkfifo in; { rpc $W sh -c ': >up; exec cat' 3>&- | { cat; : >end; } 3>&-; } <in & exec 4>in; wait_for test -e up
hold 10; echo hi >&4; exec 4>&-; wait_for test -e end && echo ended; ls held* | wc -l; release`, stdout: "hi\nended\n10\n"},
	{name: "rpcd's binary", root: true, script: `sum=$(cksum </proc/$RPCD/exe); rpc $W sh -c 'echo x >/proc/$PPID/exe' 2>/dev/null; (($?)) && echo refused; [[ $(cksum </proc/$RPCD/exe) == "$sum" ]] && echo same; rpc $W true; echo $?`,
		stdout: "refused\nsame\n0\n"},
	{name: "no port", script: `rpc $W true; for fd in /proc/$RPCD/fd/*; do s=$(readlink $fd); [[ $s == socket:* ]] && echo ${s//[^0-9]/}; done >sockets
(($(wc -l <sockets) > 0)) && cat /proc/$RPCD/net/{tcp,tcp6,udp,udp6,raw,raw6,packet} 2>/dev/null | grep -wFf sockets; echo none`, stdout: "none\n"},

	{name: "secrets are neither sent nor logged", script: `procedure p sh; : >$D/ex/p/log-args; export SECRET=hunter2
rpc $W sh -c 'env; : hunter3' | grep -c hunter; rpc $W printf %s hunter4 >/dev/null; rpc $W sh -c ': $0' hunter5 <<<hunter6
rpc $W p -c ': shown'; wait_for grep -q shown $D/log; grep -c hunter $D/log; :`, stdout: "0\n0\n"},
	{name: "no forged line in the log", script: `procedure p sh; : >$D/ex/p/log-args; a=$'x\n2026-01-01T00:00:00.000Z [INFO]  rpcd: forged\e[2J\r\xff'
rpc --label "$a" $W p -c : "$a" 2>/dev/null; rpc $W "$a" 2>/dev/null; rpc -e "$a=1" $W true 2>/dev/null; rpc -C "/$a" $W true 2>/dev/null
rpc $W p -c : last; wait_for grep -q last $D/log; grep -c forged $D/log; grep -vc '^20[0-9T:.-]*Z \[[A-Z]*\] *rpcd: ' $D/log; LC_ALL=C grep -c $'[\e\r\xff]' $D/log; :`, stdout: "4\n0\n0\n"},
	{name: "no forged line in a log of JSON", serve: []string{"--log-format", "json"}, script: `procedure p sh; : >$D/ex/p/log-args; a=$'x\n{"@level":"info","@message":"forged"}\e\xff"}'
rpc --label "$a" $W p -c : "$a"; rpc $W "$a" 2>/dev/null; rpc $W p -c : last; wait_for grep -q last $D/log
perl -MJSON::PP -ne 'my $line = decode_json($_); $n++ if $line->{"@message"} eq "forged"; END { print $n + 0, "\n" }' $D/log; LC_ALL=C grep -c $'[\e\xff]' $D/log; :`, stdout: "0\n0\n"},
	{name: "arguments of a megabyte in the log", serve: []string{"--log-level", "debug"}, script: `a=$(printf %0100000d 1); set -- $a $a $a $a $a $a $a $a $a $a; rpc $W true "$@"; rpc $W true $(seq 20000); rpc $W true last; wait_for grep -q 'last' $D/log
awk 'length > 9000' $D/log | wc -l; grep -c '"\.\.\. [0-9]* more"' $D/log`, stdout: "0\n2\n"},
	{name: "credentials are those of who connected", on: "passed", root: true, script: `procedure mine sh; echo 'uid 0' >$D/ex/mine/allow; procedure theirs sh; echo 'uid 4242' >$D/ex/theirs/allow; chmod 666 $W
mkdir $D/b; chmod 777 $D/b; setpriv --reuid 4242 --regid 4343 --clear-groups socat UNIX-LISTEN:$D/b/b.sock,fork UNIX-CONNECT:$W 3>&- & wait_for listens $D/b/b.sock
for s in $W $D/b/b.sock; do for p in mine theirs; do rpc -C / $s $p -c 'echo $RPC_CALLER_UID $RPC_CALLER_GID' 2>/dev/null; echo $?; done; done; kill $!`,
		stdout: "0 0\n0\n126\n126\n4242 4343\n0\n"},

	{name: "another machine's program", script: `{ printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\2\0\1\0\0\0'; head -c 400 /dev/zero; } >$D/ex/sparc; chmod +x $D/ex/sparc
rpc $W sparc; echo $?; rpc $W true; echo $?`, stdout: "126\n0\n", stderr: "rpc: $W cannot run \"sparc\": \"$D/ex/sparc\": exec format error\n"},
	{name: "bytes in names", script: `n=$'d\xff\xc3( ü'; mkdir "$n"; cd "$n"; rpc $W pwd | cmp - <(pwd) && echo directory; cd ..; rpc -C "$n" $W pwd | cmp - <(cd "$n"; pwd) && echo by hand
ln -s $(type -P echo) $D/ex/"$n"; rpc $W "$n" procedure; rpc --label "$n" $W sh -c 'printf %s "$RPC_LABEL"' | cmp - <(printf %s "$n") && echo label`,
		stdout: "directory\nby hand\nprocedure\nlabel\n"},
	{name: "10000 variables", script: `procedure p sh; echo 'V*' >$D/ex/p/env; for i in {1..10000}; do export V$i=$i; done; names=$(echo V{1..10000})
RPC_ENV=${names// /,} rpc $W p -c 'env | grep -c ^V; echo $V1 $V10000'`, stdout: "10000\n1 10000\n"},
	{name: "the longest environment", script: `ulimit -s 65536; procedure p sh; echo 'V*' >$D/ex/p/env; a=$(printf %0100000d 1); e=(); for i in {1..19}; do export V$i=$a; e+=(-e V$i); done
rpc "${e[@]}" $W p -c 'env | grep -c ^V'; for i in {20..22}; do export V$i=$a; e+=(-e V$i); done
rpc "${e[@]}" $W p -c 'echo ran' 2>e; echo $? $(wc -l <e) $(grep -c 'too long' e); unset ${!V*}; rpc $W true; echo $?`, stdout: "19\n126 1 1\n0\n"},

	{name: "a pipeline on one place", serve: []string{"--max-calls", "1", "--queue-wait", "1s"}, script: `rpc $W sh -c ': >up; exec cat /dev/zero' | { wait_for test -e up; rpc $W wc -c; echo $?; }; echo ${PIPESTATUS[0]}`,
		stdout: "125\n141\n", stderr: "rpc: $W is busy: waited 1s behind 1 running (1 sh)\n"},
	{name: "a call inside a call", serve: []string{"--max-calls", "3", "--queue-wait", "1s"}, script: `printf '#!/bin/sh\n[ $1 = 0 ] && exit 7; exec %s -C / %s deep $(($1 - 1))\n' $(type -P rpc) $W >$D/ex/deep; chmod +x $D/ex/deep
rpc $W deep 2; echo $?; rpc $W deep 3; echo $?`, stdout: "7\n125\n", stderr: "rpc: $W is busy: waited 1s behind 3 running (3 deep)\n"},

	{name: "a daemon forked twice", script: `t=$(now); for s in '' '<&- >&- 2>&-'; do rm -f pid
  rpc $W sh -c "(setsid sh -c 'echo \$\$ >pid; exec sleep 60' $s &); until [ -s pid ]; do sleep 0.02; done; exit 7" >out; echo $?; kill -9 $(<pid) 2>/dev/null
done; (($(now) - t < 30)) && echo soon`, stdout: "7\n7\nsoon\n"},
}
