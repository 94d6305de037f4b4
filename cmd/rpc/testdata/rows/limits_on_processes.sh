# Where the caller's user may have no more processes, a plain call works, and any other ends with 125 and one line before
# anything has started.
#
# on: passed
# needs: root
# fault: 138

unset RPC_TEST_ENTRY
chmod 666 $W
cat >np <<'X'
(ulimit -u 6 && exec rpc $W sh -c 'exit 7')
echo $?
(ulimit -u 6 && exec rpc --pass none $W sh -c ': >began')
echo $?
X
setpriv --reuid 54399 --regid 54399 --clear-groups bash np 2>e
cat e
ls

# stdout:
#| 7
#| 125
#| rpc: cannot start: the system allows no 8 threads more (ulimit -u, or a container's pids limit), which this needs
#| e
#| np
