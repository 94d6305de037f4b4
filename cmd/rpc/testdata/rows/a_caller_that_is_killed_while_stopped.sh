# A caller that is killed while it is stopped still takes its stopped procedure with it.

set -m
call $W sh -c 'echo $$ >pid; exec sleep 99'
wait_for test -s pid
wait_for minds 20 $rpc
kill -TSTP $rpc
wait_for is T $(<pid)
kill -KILL $rpc
wait_for gone $(<pid) && echo gone

# stdout:
#| gone
