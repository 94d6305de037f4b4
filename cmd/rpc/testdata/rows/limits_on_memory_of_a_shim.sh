# Under a limit on memory a shim runs as a plain call does, and a remote shell, which needs Go's runtime, ends with ssh's
# status and one line.
#
# on: passed

unset RPC_TEST_ENTRY
rpc shim $W sh --dir bin >/dev/null
ln -s "$(type -P rpc)" rpc-rsh
(ulimit -v 400000 && ./bin/sh -c 'exit 7')
echo $?
(ulimit -v 400000 && ./rpc-rsh ls true 2>e)
echo $? $(wc -l <e)
(ulimit -v 400000 && rpc rsh w true 2>e)
echo $? $(wc -l <e)

# stdout:
#| 7
#| 255 1
#| 255 1
