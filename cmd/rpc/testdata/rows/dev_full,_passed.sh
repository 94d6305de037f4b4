# A procedure whose passed stdout is full sees ENOSPC itself, and its own status arrives.
#
# on: passed
# status: 1
# fault: 44

rpc $W sh -c 'echo hi; exit 3' >/dev/full
echo $?
rpc $W cat >/dev/full <<<hi

# stdout:
#| 3
# stderr:
#| ...
#| ...No space left on device
