# "rpc ps" shows a call with its label, whether it is stopped, and whether it is bridged.
#
# on: passed bridge

set -m
mkfifo go
call --label 'my job' $W sh -c 'echo $$ >pid; read x <go' >out
wait_for test -s pid
rpc ps $W | grep -c 'sh .* running  *my job$'
wait_for minds 20 $rpc
kill -TSTP $rpc
wait_for is T $rpc
wait_for sh -c 'rpc ps $W | grep -q " stopped "'
rpc ps --json $W | grep -c "\"bridged\": $([[ $T == bridge ]] && echo true || echo false)"
kill -CONT $rpc
wait_for sh -c 'rpc ps $W | grep -q " running "'
: >go
wait $job
cat rc
rpc ps --json $W

# stdout:
#| 1
#| 1
#| 1
#| []
