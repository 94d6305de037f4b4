# A caller behind a bridge that is frozen beyond its heartbeat counts as gone: its procedure is ended.
#
# on: bridge
# fault: 4 29

call --heartbeat 1s $W sh -c 'echo $$ >pid; exec sleep 99'
wait_for test -s pid
kill -STOP $rpc
wait_for is T $rpc
wait_for gone $(<pid) && echo gone
kill -CONT $rpc
wait $job
cat rc

# stdout:
#| gone
#| 125
# stderr:
#| rpc: ...
