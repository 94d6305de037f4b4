# A caller that is stopped by TSTP stops its procedure, for longer than a heartbeat, and both go on after CONT.
#
# fault: 83

set -m
mkfifo go
call --heartbeat 3s $W sh -c 'echo $$ >pid; read x <go; echo end; exit 6' >out
wait_for test -s pid
wait_for minds 20 $rpc
kill -TSTP $rpc
wait_for is T $rpc && wait_for is T $(<pid) && echo both stopped
sleep 4
is T $rpc && is T $(<pid) && echo still
kill -CONT $rpc
: >go
wait $job
cat rc out

# stdout:
#| both stopped
#| still
#| 6
#| end
