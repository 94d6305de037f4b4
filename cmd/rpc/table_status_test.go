package main_test

// statusRows: how a procedure ends is how rpc ends.
var statusRows = []row{
	{name: "status 0", script: `rpc $W true; echo $?`, stdout: "0\n"},
	{name: "status 7", script: `rpc $W sh -c 'exit 7'`, status: 7},
	{name: "status 255", script: `rpc $W sh -c 'exit 255'`, status: 255},
	{name: "status 256 is 0", script: `rpc $W perl -e 'exit 256'; echo $?; rpc $W bash -c 'exit 256'; echo $?`,
		stdout: "127\n0\n", stderr: "rpc: $W has no procedure \"perl\" (it has: ...\n"},
	{name: "status each", script: `for i in 1 2 100 123 124 125 126 127 128 129 137 200 254; do
  died rpc $W sh -c "exit $i"
done`,
		stdout: "exit 1\nexit 2\nexit 100\nexit 123\nexit 124\nexit 125\nexit 126\nexit 127\nexit 128\nexit 129\nexit 137\nexit 200\nexit 254\n"},

	{name: "death by each signal", script: `ulimit -c unlimited
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 24 25 26 27 29 30 31 34 64; do
  died rpc $W sh -c "ulimit -c 0; kill -$n \$\$"
done
ls`,
		stdout: "signal 1\nsignal 2\nsignal 3\nsignal 4\nsignal 5\nsignal 6\nsignal 7\nsignal 8\nsignal 9\nsignal 10\n" +
			"signal 11\nsignal 12\nsignal 13\nsignal 14\nsignal 15\nsignal 16\nsignal 24\nsignal 25\nsignal 26\nsignal 27\n" +
			"signal 29\nsignal 30\nsignal 31\nsignal 34\nsignal 64\n"},
	{name: "death by a signal in bash", script: `for n in HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM; do
  rpc $W sh -c "ulimit -c 0; kill -$n \$\$"
  echo $n $?
done 2>/dev/null`,
		stdout: "HUP 129\nINT 130\nQUIT 131\nILL 132\nTRAP 133\nABRT 134\nBUS 135\nFPE 136\nKILL 137\nUSR1 138\nSEGV 139\nUSR2 140\n" +
			"PIPE 141\nALRM 142\nTERM 143\n"},
	{name: "a core at the worker is none here", script: `ulimit -c unlimited
mkdir sub; cd sub
died rpc $W sh -c 'kill -SEGV $$'
ls -d core* 2>/dev/null; :`, stdout: "signal 11\n"},
	{name: "a shell's own 128+N is a status", script: `died rpc $W sh -c 'sh -c "kill -9 \$\$"'`, stdout: "exit 137\n", stderr: "...Killed...\n"},

	{name: "unknown procedure", script: `rm $D/ex/*; ln -s $(command -v sort) $D/ex/sort; rpc $W rm -rf /; echo $?`,
		stdout: "127\n", stderr: "rpc: $W has no procedure \"rm\" (it has: sort)\n"},
	{name: "procedures that don't exist", script: `for p in ../cwd ../../bin/sh /bin/sh .hidden . .. '' $'sh\n' SH "$(printf %0300d 1)"; do
  rpc $W "$p" -c 'echo ran' 2>err; echo $? $(wc -l <err)
done`, stdout: "127 1\n127 1\n127 1\n127 1\n127 1\n127 1\n125 1\n127 1\n127 1\n127 1\n"},
	{name: "not executable", script: `: >$D/ex/data; printf '#!/no/such/interpreter\n' >$D/ex/odd; mkdir $D/ex/folder; printf '\177ELF junk' >$D/ex/elf
chmod +x $D/ex/odd $D/ex/elf
for p in data odd folder elf; do rpc $W $p 2>err; echo $p $? $(wc -l <err) $(grep -c "^rpc: .*$p" err); done`,
		stdout: "data 126 1 1\nodd 126 1 1\nfolder 126 1 1\nelf 126 1 1\n"},
	{name: "setuid, and writable by others", script: `cp $(type -P true) $D/ex/s; chmod 4755 $D/ex/s; cp $(type -P true) $D/ex/o; chmod 777 $D/ex/o
for p in s o; do rpc $W $p 2>err; echo $? $(wc -l <err) $(grep -c chmod err); done`, stdout: "126 1 1\n126 1 1\n"},
	{name: "allow and its denial", script: `procedure mine sh; procedure theirs sh; procedure nobody sh
echo "uid $UID" >$D/ex/mine/allow; echo 'uid 4294967294' >$D/ex/theirs/allow; : >$D/ex/nobody/allow
rpc $W mine -c 'echo ran'
for p in theirs nobody; do rpc $W $p -c 'echo ran' 2>err; echo $? $(wc -l <err); done`, stdout: "ran\n126 1\n126 1\n"},
	{name: "serve's allow", serve: []string{"--allow", "uid 4294967294"}, script: `rpc $W true`, status: 126,
		stderr: "rpc: $W doesn't serve you (uid ...): its --allow says uid 4294967294\n"},
}
