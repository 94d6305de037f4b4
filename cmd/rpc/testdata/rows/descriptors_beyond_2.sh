# An argument or variable that names a descriptor of the caller's beyond 2, as bash's <(...) does, is refused before the
# start: it would name nothing there, or another file. One that isn't open here is the procedure's own affair.
#
# on: passed none bridge

rpc $W cat <(echo a) | cat
rpc $W sort --files0-from=<(echo a) 2>&1 | sed 's,fd/[0-9]*,fd/N,'
rpc -e F=/dev/fd/7 $W cat 7</dev/null
echo $?
rpc --status-fd 9 $W cat /proc/self/fd/9 9>status
echo $?
jq -c '[.outcome, .started]' status
rpc $W sh -c 'exec 8</dev/null; cat "$1"' sh /dev/fd/8
echo $?
# A shell's line may have one of its own.
rpc $W sh -c 'exec 7</dev/null; cat /dev/fd/7' 7<status
echo $?
# The three travel.
echo b | rpc $W cat /dev/fd/0

# stdout:
#| rpc: cannot pass "/dev/fd/N": descriptors beyond 2 stay here (give <(...) by stdin, or write it to a file)
#| 125
#| 125
#| ["usage",false]
#| 0
#| 0
#| b
# stderr:
#| rpc: cannot pass "/dev/fd/...": descriptors beyond 2 stay here (give <(...) by stdin, or write it to a file)
#| rpc: cannot pass "/dev/fd/7": descriptors beyond 2 stay here (give <(...) by stdin, or write it to a file)
#| rpc: cannot pass "/proc/self/fd/9": descriptors beyond 2 stay here (give <(...) by stdin, or write it to a file)
