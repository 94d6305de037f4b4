package main_test

// wordRows: what is typed arrives as typed.
var wordRows = []row{
	{name: "every byte in an argument", script: `a=$(for ((i = 1; i < 256; i++)); do printf "\\x$(printf %x $i)"; done; echo x); a=${a%x}
printf %s "$a" >want; wc -c <want
rpc $W printf %s "$a" | cmp - want && echo same
for ((i = 128; i < 256; i++)); do printf "\\x$(printf %x $i)"; done >high; rpc $W printf %s "$(<high)" | cmp - high && echo same`, stdout: "255\nsame\nsame\n"},
	{name: "empty arguments", script: `rpc $W sh -c 'for a; do printf "<%s>" "$a"; done; echo $#' sh "" a "" " " ""`, stdout: "<><a><>< ><>5\n"},
	{name: "no arguments", script: `rpc $W sh <<<'echo $#'`, stdout: "0\n"},
	{name: "options after the procedure", script: `rpc $W printf '<%s>' --help -x -h -- -n -C / --timeout 0; echo
rpc $W env --version | head -1 | grep -c coreutils`, stdout: "<--help><-x><-h><--><-n><-C></><--timeout><0>\n1\n"},
	{name: "one double dash is skipped", script: `rpc $W -- printf '<%s>' -- a; echo; rpc $W -- -- a; echo $?; rpc -- $W echo b; rpc $W --help; echo $?`,
		stdout: "<--><a>\n127\nb\n127\n", stderr: "rpc: $W has no procedure \"--\" ...\nrpc: $W has no procedure \"--help\" ...\n"},
	{name: "call written out", script: `rpc call $W echo a b; rpc call -C / $W pwd; rpc call $W sh -c 'exit 7'`, stdout: "a b\n/\n", status: 7},
	{name: "no shell, no splitting", script: `rpc $W printf '<%s>' '$HOME' '*' 'a  b' "'" '"' '\' ';' '|' "$(printf 'a\nb')"; echo`, stdout: "<$HOME><*><a  b><'><\"><\\><;><|><a\nb>\n"},
	{name: "arguments of a procedure's folder", script: `procedure fixed printf; printf '<%%s>\n--a b\n\n' >$D/ex/fixed/args; rpc $W fixed c ''; echo`, stdout: "<--a b><><c><>\n"},
	{name: "the longest argument", script: `a=$(printf %0131071d 1); ((${#a} == 131071)) && rpc $W printf %s "$a" | wc -c
rpc $W true "${a}0" 2>/dev/null; echo $?`, stdout: "131071\n126\n"},
	{name: "many arguments", script: `set -- $(seq 20000); rpc $W sh -c 'echo $# ${20000}' sh "$@"`, stdout: "20000 20000\n"},
	{name: "the longest argument list", script: `ulimit -s 65536 || exit 0
a=$(printf %0100000d 1); s=(); for i in {1..19}; do s+=("$a"); done
rpc $W sh -c 'echo $#' sh "${s[@]}"
for i in {20..22}; do s+=("$a"); done; rpc $W true "${s[@]}" 2>e; echo $? $(wc -l <e) $(grep -c 'too long.*\(131071\|MiB\)' e)`, stdout: "19\n126 1 1\n"},
	{name: "argument zero", script: `rpc $W cat /proc/self/cmdline | tr '\0' '\n' | sed "s,$D/,,"`, stdout: "ex/cat\n/proc/self/cmdline\n"},
	{name: "control bytes in our own errors", script: `rpc $W $'a\e[31mb\nc' 2>e; echo $?; wc -l <e; LC_ALL=C grep -c $'\e' e; :`, stdout: "127\n1\n0\n"},
}
