package main_test

// fileRows: descriptors that are neither plain pipes nor plain files.
var fileRows = []row{
	{name: "process substitution as stdin", on: everywhere + " users", script: `rpc $W cat < <(echo one; echo two)`, stdout: "one\ntwo\n"},
	{name: "process substitution as stdout", on: everywhere + " users", script: `rpc $W echo one > >(cat >f); wait_for test -s f; cat f`, stdout: "one\n"},
	{name: "a FIFO as stdin", script: `mkfifo f; echo hi >f & rpc $W cat <f`, stdout: "hi\n"},
	{name: "a FIFO as stdout", script: `mkfifo f; cat f & rpc $W echo hi >f; wait`, stdout: "hi\n"},
	{name: "dev full, passed", on: "passed", script: `rpc $W sh -c 'echo hi; exit 3' >/dev/full; echo $?; rpc $W cat >/dev/full <<<hi`, status: 1,
		stdout: "3\n", stderr: "...\n...No space left on device\n"},
	{name: "dev full, relayed", on: "none bridge", script: `rpc $W echo hi >/dev/full; echo $?; rpc $W yes >/dev/full; echo $?`,
		stdout: "125\n125\n", stderr: "rpc: cannot write the output of $W: no space left on device...\nrpc: cannot write the output of $W: no space left on device...\n"},
	{name: "a socket as stdin and stdout", script: `printf 'b\na\n' | socat -t 5 - EXEC:"rpc $W sort"`, stdout: "a\nb\n"},
	{name: "a socket by name", on: "passed", script: `printf 'a\n' | socat -t 5 - EXEC:"rpc $W cat /dev/stdin" 2>&1 | grep -o 'No such.*'; printf 'a\n' | socat -t 5 - EXEC:"cat /dev/stdin" 2>&1 | grep -o 'No such.*'`, // as it is locally
		stdout: "No such device or address\nNo such device or address\n"},
	{name: "a socket with stderr", script: `echo 'rpc $W sh -c "echo out; echo err >&2"' >s; socat -u EXEC:"bash s",stderr - | sort`, stdout: "err\nout\n"},
	{name: "a directory as stdin", script: `rpc $W cat <.; echo $?; rpc $W cat <$D/ex 2>e; echo $? $(wc -l <e)`,
		stdout: "125\n125 1\n", stderr: "rpc: cannot pass stdin: it is a directory...\n"},
	{name: "dev null", script: `rpc $W cat </dev/null >/dev/null 2>/dev/null; echo $?; rpc $W sh -c 'echo lost' >/dev/null; echo $?`, stdout: "0\n0\n"},
	{name: "dev stdin by name", on: everywhere + " users", script: `echo one | rpc $W cat /dev/stdin
rpc $W cat /dev/stdin < <(echo two)
echo three | rpc $W sh -c 'cat /proc/self/fd/0'`, stdout: "one\ntwo\nthree\n"},
	{name: "dev stdout by name", on: everywhere + " users", script: `rpc $W sh -c 'echo one >/dev/stdout; echo two >/proc/self/fd/1' | cat
rpc $W sh -c 'echo three | tee /dev/stdout' | cat`, stdout: "one\ntwo\nthree\nthree\n"},
	{name: "dev stderr by name", on: everywhere + " users", script: `rpc $W sh -c 'echo one >/dev/stderr' 2>&1 | cat
{ rpc $W sh -c 'echo two | tee /dev/stderr >/dev/null' 2>&1 >&3 | cat; } 3>/dev/null`, stdout: "one\ntwo\n"},
	{name: "dev stdin of a file of ours", on: "users", script: `umask 077; echo secret >f; rpc $W cat <f; rpc $W echo written >g; cat g`, stdout: "secret\nwritten\n"},
	{name: "a here document", script: `rpc $W sort <<EOF
b
a
EOF`, stdout: "a\nb\n"},
	{name: "a non-blocking pipe", script: `perl -e 'use Fcntl; pipe(R, W) or die; fcntl(W, F_SETFL, O_WRONLY | O_NONBLOCK); fcntl(R, F_SETFL, O_NONBLOCK);
  my $p = fork; if (!$p) { open(STDOUT, ">&W"); close R; close W; exec "rpc", $ENV{W}, "sh", "-c", "sleep 0.2; echo hi" }
  close W; my $x; select(undef, undef, undef, 0.05) until defined sysread(R, $x, 9); print $x;
  waitpid $p, 0; print $? >> 8, "\n"'`, stdout: "hi\n0\n"},
	{name: "flags of a passed descriptor stay", on: "passed none", script: `mkfifo f; exec 3<>f; rpc $W sh -c 'echo hi' >&3; grep flags /proc/self/fdinfo/3; read -r x <&3; echo $x`, stdout: "flags:\t0100002\nhi\n"},
}
