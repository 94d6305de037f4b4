package main_test

// short helps rows that take something away from rpcd: `as_rpcd COMMAND` has
// its uid, `still PID` says that a process uses no time, `peak PID` is the most
// memory that it had, in MiB.
const short = `as_rpcd() { setpriv --reuid "$(stat -c %u $W)" --regid "$(stat -c %g $W)" --clear-groups -- "$@"; }
times() { cut -d' ' -f14,15 /proc/$1/stat; }
still() { local t; t=$(times $1); sleep 0.2; [[ $(times $1) == "$t" ]]; }
peak() { awk '/^VmHWM/ { print int($2 / 1024) }' /proc/$1/status; }
`

// shortageRows: processes, descriptors, disks and readers run out. It is that
// call's trouble, and over when it is over.
var shortageRows = []row{
	{name: "processes run out", on: "users", script: short + held + `chmod 777 .; hold 1; as_rpcd prlimit --pid $RPCD --nproc=1:
for p in all none; do rpc --pass $p $W true; echo $?; done
for i in {1..40}; do rpc $W true 2>/dev/null & done; wait $(jobs -p | tail -n +2); rpc ping $W >/dev/null; echo $?
as_rpcd prlimit --pid $RPCD --nproc=$(ulimit -Su):; rpc $W echo again; release`, stdout: "125\n125\n0\nagain\n",
		stderr: "rpc: $W cannot run \"true\": resource temporarily unavailable (its limits of processes...\nrpc: $W cannot run \"true\": resource temporarily unavailable...\n"},
	{name: "descriptors run out", on: "passed none users", root: true, script: short + held + `chmod 777 .; procedure p echo; echo any >$D/ex/p/allow; echo A=1 >$D/ex/p/env; hold 3
n=$(ls /proc/$RPCD/fd | wc -l); for p in echo p; do for ((i = n; i < n + 20; i++)); do
  as_rpcd prlimit --pid $RPCD --nofile=$i:; rpc $W $p ran >o 2>e </dev/null; s=$?; [[ $s = 0 && $(<o) = ran || $s = 125 && $(grep -c '^rpc: .*open files' e) = 1 && $(wc -l <e) = 1 ]] || echo "$i: $s $(<e)"
  ((i == n || i == n + 19)) && echo $s; done; done; as_rpcd prlimit --pid $RPCD --nofile=$n:; rpc $W true 2>/dev/null; wait_for still $RPCD; as_rpcd prlimit --pid $RPCD --nofile=$(ulimit -Sn):; rpc $W echo again; release; ls held* | wc -l`,
		stdout: "125\n0\n125\n0\nagain\n3\n"},

	{name: "a disk that fills, passed", on: "passed", root: true, script: `mkdir full
unshare -m sh -c 'mount -t tmpfs -o size=64k none full && rpc $W yes >full/f; echo $?; stat -c %s full/f'`, stdout: "1\n65536\n", stderr: "...No space left on device\n"},
	{name: "a disk that fills, relayed", on: "none bridge", root: true, script: `mkdir full
unshare -m sh -c 'mount -t tmpfs -o size=64k none full && rpc $W sh -c "echo \$\$ >pid; exec yes" >full/f; echo $?; stat -c %s full/f'; wait_for gone $(<pid) && echo gone`,
		stdout: "125\n65536\ngone\n", stderr: "rpc: cannot write the output of $W: no space left on device...\n"},

	{name: "a reader that never reads", on: "none bridge", script: short + `mkfifo f; exec 3<>f; rpc $W sh -c 'echo $$ >pid; exec cat /dev/zero' >&3 & wait_for test -s pid; wait_for still $(<pid)
is S $(<pid) && echo blocked; (($(peak $!) < 64 && $(peak $RPCD) < 64)) && echo small; rpc $W echo other
kill $!; wait_for gone $(<pid) && echo gone; ends() { kill $1; gone $1; }; wait_for ends $!; wait $!; echo $?`, stdout: "blocked\nsmall\nother\ngone\n143\n"}, // the first ends the procedure, three a caller with output to write
	{name: "an endless stdin that nobody reads", on: "none bridge", script: short + held + `exec 5>huge; perl -e 'truncate STDOUT, 1 << 30' >&5; position() { awk '/^pos/ { print $2 }' /proc/$1/fdinfo/0; }
rpc $W sh -c '{ : >up; read x; } <go' <huge 3>&- & wait_for test -e up; begun() { (($(position $1) > 0)); }; wait_for begun $!; wait_for still $!
(($(position $!) <= 65536)) && echo little; (($(peak $!) < 64 && $(peak $RPCD) < 64)) && echo small; release; echo $?
exec 3<>go; rpc $W sh -c '{ : >up2; read x; } <go; exit 7' </dev/zero 3>&- & wait_for test -e up2; wait_for still $!; (($(peak $!) < 64)) && echo small; exec 3>&-; wait $!; echo $?`, stdout: "little\nsmall\n0\nsmall\n7\n"},
}
