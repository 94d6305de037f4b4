# A worker behind a bridge that is frozen during a call is noticed by its heartbeat: 125, and the procedure is ended.
#
# on: bridge
# fault: 29 kubernetes-heartbeat

rpc --heartbeat 1s $W sh -c 'echo $$ >pid; sleep 99' &
wait_for test -s pid
kill -STOP $RPCD
wait_for is T $RPCD
t=$(now)
wait $!
echo $?
(($(now) - t < 15)) && echo noticed
kill -CONT $RPCD
wait_for gone $(<pid) && echo gone

# stdout:
#| 125
#| noticed
#| gone
# stderr:
#| rpc: ...
