# A caller that is killed takes its procedure's whole group with it: TERM, the grace, KILL.
#
# fault: 1 nailgun-bytes

rpc $W sh -c 'trap "" TERM; sleep 999 & echo $$ $! >pids.; mv pids. pids; sleep 999; sleep 999' &
wait_for test -s pids
t=$(now)
kill -9 $!
wait $! 2>/dev/null
wait_for gone $(<pids) && echo gone
(($(now) - t < 10)) && echo in time

# stdout:
#| gone
#| in time
