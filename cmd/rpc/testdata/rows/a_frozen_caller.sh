# A direct caller that is frozen by STOP loses nothing. Where streams are relayed, the procedure waits for it.
#
# on: passed none
# use: shortage
# fault: 4

mkfifo go
written() { gone $(<seq) || still $(<seq); }
call --heartbeat 1s $W sh -c 'echo $$ >pid; read x <go; seq 1000000 & echo $! >seq; wait $!; exit 6' >out
wait_for test -s pid
kill -STOP $rpc
wait_for is T $rpc
: >go
wait_for test -s seq
wait_for written
[[ $T == passed ]] || is S $(<seq) && echo as it should
rpc $W echo other
sleep 2.5
kill -CONT $rpc
wait $job
cat rc
seq 1000000 | cmp - out && echo same

# stdout:
#| as it should
#| other
#| 6
#| same
