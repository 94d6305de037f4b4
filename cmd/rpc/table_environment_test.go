package main_test

// environmentRows: nothing crosses unless asked for and admitted.
var environmentRows = []row{
	{name: "nothing crosses", script: `export FOO=1 HOME=/nowhere LC_TIME=x; rpc $W sh -c 'echo "<$FOO><$LC_TIME>"; [ "$HOME" = /nowhere ] || echo own'`, stdout: "<><>\nown\n"},
	{name: "a variable that isn't admitted", script: `rpc -e FOO=1 $W env; echo $?; FOO=1 rpc -e FOO $W env; echo $?`, stdout: "126\n126\n",
		stderr: "rpc: $W doesn't admit the variable \"FOO\" for \"env\"...$D/ex/env...\nrpc: $W doesn't admit the variable \"FOO\" for \"env\"...\n"},
	{name: "the env file is named", script: `procedure p sh; : >$D/ex/p/env; rpc -e FOO=1 $W p -c 'echo ran'`, status: 126,
		stderr: "rpc: $W doesn't admit the variable \"FOO\" for \"p\"...$D/ex/p/env...\n"},
	{name: "admitted by name", script: `procedure p sh; echo FOO >$D/ex/p/env
rpc -e FOO=1 $W p -c 'echo $FOO'; FOO=2 rpc -e FOO $W p -c 'echo $FOO'; rpc -e FOO= $W p -c 'echo "<${FOO-unset}>"'
rpc --env 'FOO=a=b c' $W p -c 'echo $FOO'; unset FOO; rpc -e FOO $W p -c 'echo "<${FOO-unset}>"'`, stdout: "1\n2\n<>\na=b c\n<unset>\n"},
	{name: "the last wins", script: `procedure p sh; printf 'FOO=set\nFOO\n' >$D/ex/p/env; rpc $W p -c 'echo $FOO'; rpc -e FOO=1 -e FOO=2 $W p -c 'echo $FOO'; rpc -e FOO=1 -e FOO=2 $W p -c 'env | grep -c ^FOO' 2>/dev/null`, stdout: "set\n2\n1\n"},
	{name: "admitted by pattern", script: `procedure p sh; printf 'LC_*\n*\n' >$D/ex/p/env
rpc -e LC_TIME=x -e FOO=1 $W p -c 'echo $LC_TIME $FOO'
for v in LD_PRELOAD LD_LIBRARY_PATH PATH IFS BASH_ENV ENV SHELLOPTS PS4 PYTHONPATH PERL5OPT NODE_OPTIONS GODEBUG GLIBC_TUNABLES RPC_WORKER 'BASH_FUNC_x%%'; do
  rpc -e $v=x $W p -c 'echo ran' 2>e; echo $v $? $(wc -l <e)
done`,
		stdout: "x 1\nLD_PRELOAD 126 1\nLD_LIBRARY_PATH 126 1\nPATH 126 1\nIFS 126 1\nBASH_ENV 126 1\nENV 126 1\nSHELLOPTS 126 1\nPS4 126 1\nPYTHONPATH 126 1\n" +
			"PERL5OPT 126 1\nNODE_OPTIONS 126 1\nGODEBUG 126 1\nGLIBC_TUNABLES 126 1\nRPC_WORKER 126 1\nBASH_FUNC_x%% 126 1\n"},
	{name: "named exactly", script: `procedure p sh; printf 'PS4\nPYTHONPATH\n' >$D/ex/p/env; rpc -e PS4=x -e PYTHONPATH=/y $W p -c 'echo $PS4 $PYTHONPATH'`, stdout: "x /y\n"},
	{name: "what the env file sets", script: `procedure p sh; printf '# comment\nMODEL=a b\nHOME=/h\n' >$D/ex/p/env; HOME=/nowhere rpc $W p -c 'echo $MODEL $HOME'; rpc -e MODEL=c $W p -c 'echo ran' 2>/dev/null; echo $?`, stdout: "a b /h\n126\n"},
	{name: "what rpcd tells", script: `procedure p sh; rpc --label 'a label' $W p -c 'echo "$RPC_WORKER $RPC_PROCEDURE $RPC_LABEL $((RPC_CALL_ID > 0)) $RPC_CALLER_UID $RPC_CALLER_GID"' | sed "s/ $UID $(id -g)\$/ ours/"
RPC_LABEL=l rpc $W p -c 'echo $RPC_LABEL'; env | grep -c ^RPCD_; rpc $W sh -c 'env | grep -c "^RPCD\|^W="' 2>/dev/null`, stdout: "w p a label 1 ours\nl\n0\n0\n", status: 1},
	{name: "names of RPC_ENV", script: `procedure p sh; echo 'F*' >$D/ex/p/env; export FOO=1 FAA=2 RPC_ENV=FOO,FAA; rpc $W p -c 'echo $FOO $FAA'; rpc -e FOO=3 $W p -c 'echo $FOO $FAA'; rpc $W sh -c : 2>/dev/null; echo $?`, stdout: "1 2\n3 2\n126\n"},
	{name: "bytes in a value", script: `procedure p sh; echo FOO >$D/ex/p/env; v=$(printf '\x01\xff\n\xc3'); rpc -e FOO="$v" $W p -c 'printf %s "$FOO"' | cmp - <(printf %s "$v") && echo same`, stdout: "same\n"},
	{name: "variables without a name", script: `rpc -e =x $W true; echo $?; rpc -e '' $W true; echo $?`, stdout: "125\n125\n", stderr: "rpc: ...\nrpc: ...\n"},
}

// directoryRows: a call runs where its caller is, if that is the same.
var directoryRows = []row{
	{name: "the same directory", script: `rpc $W pwd; rpc $W sh -c 'echo $PWD'; mkdir -p "a b/ü"; cd "a b/ü"; rpc $W touch here; ls; rpc $W pwd`, stdout: "$D/cwd\n$D/cwd\nhere\n$D/cwd/a b/ü\n"},
	{name: "chdir", script: `rpc -C / $W pwd; rpc --chdir $D/ex $W pwd; mkdir sub; rpc -C sub $W pwd; rpc -C .. $W pwd; RPC_CHDIR=/ rpc $W pwd; RPC_CHDIR=/ rpc -C $D $W pwd`, stdout: "/\n$D/ex\n$D/cwd/sub\n$D\n/\n$D\n"},
	{name: "a missing directory", script: `rpc -C /no/such $W pwd; echo $?; : >f; rpc -C $PWD/f $W pwd 2>e; echo $? $(wc -l <e)`, stdout: "125\n125 1\n", stderr: "rpc: ...\"/no/such\"...\n"},
	{name: "a removed directory", script: `mkdir x; cd x; rmdir ../x; rpc $W pwd; echo $?; rpc -C / $W pwd`, stdout: "125\n/\n", stderr: "rpc: ...\n"},
	{name: "a symlinked directory", script: `mkdir real; ln -s real link; cd link; rpc $W sh -c 'pwd -P'`, stdout: "$D/cwd/real\n"},
	{name: "only the name is the same", on: "passed none", root: true, script: `mkdir same other
unshare -m sh -c 'mount --bind other same && cd same && pwd && rpc $W pwd; echo $?; cd ../other && rpc $W pwd'`,
		stdout: "$D/cwd/same\n125\n$D/cwd/other\n", stderr: "rpc: \"$D/cwd/same\" here isn't $W's \"$D/cwd/same\" (not a shared volume): cd to one, or give -C DIR\n"},
	{name: "by name over a bridge", on: "bridge", root: true, script: `mkdir same other; : >same/theirs
unshare -m sh -c 'mount --bind other same && cd same && rpc $W ls'`, stdout: "theirs\n"},
	{name: "a directory that rpcd can't enter", on: "users", script: `mkdir -m 700 mine; cd mine; rpc $W pwd; echo $?; rpc -C . $W pwd; echo $?; mkdir sub; cd sub; rpc $W pwd; echo $?`, stdout: "125\n125\n125\n",
		stderr: "rpc: $W cannot enter the directory \"$D/cwd/mine\": permission denied...\nrpc: $W cannot enter the directory \"$D/cwd/mine\": permission denied...\nrpc: $W cannot enter the directory \"$D/cwd/mine/sub\": permission denied (rpcd runs as 54321:54321: ...)\n"},
	{name: "not there for the worker", root: true, script: `mkdir only
unshare -m sh -c 'mount -t tmpfs none only && mkdir only/sub && cd only/sub && rpc $W pwd; echo $?'`, stdout: "125\n", stderr: "rpc: \"$D/cwd/only/sub\" here isn't ...\n"},
	{name: "serve's workdir", root: true, serve: []string{"--workdir", "/var"}, script: `rpc $W pwd; mkdir only; unshare -m sh -c 'mount -t tmpfs none only && mkdir only/sub && cd only/sub && rpc $W pwd'; rpc -C /no/such $W pwd; echo $?`,
		stdout: "$D/cwd\n/var\n125\n", stderr: "rpc: ...\n"},
	{name: "a procedure's workdir", root: true, serve: []string{"--workdir", "/var"}, script: `procedure p sh; echo /usr >$D/ex/p/workdir
rpc $W p -c pwd; mkdir only; unshare -m sh -c 'mount -t tmpfs none only && mkdir only/sub && cd only/sub && rpc $W p -c pwd'`, stdout: "$D/cwd\n/usr\n"},
	{name: "the umask crosses", on: everywhere + " users", script: `for m in 0 022 027 077 777; do umask $m; rpc $W sh -c umask; done; umask 027; rpc $W sh -c 'cd /tmp; f=rpcd-mask-$$; : >$f; stat -c %a $f; unlink $f 2>/dev/null || rm $f'`,
		stdout: "0000\n0022\n0027\n0077\n0777\n640\n"},
}
