# The second TERM ends a drain and its grace at once.
#
# serve: --drain 50s
# serve: --grace 50s
# ends: rpcd
# fault: 7

rpc $W sh -c 'trap "" TERM; echo $$ >pid; while :; do sleep 1; done' 2>e &
wait_for test -s pid
kill -TERM $RPCD
wait_for grep -q draining $D/log
kill -TERM $RPCD
wait $!
(($?)) && echo failed
wait_for gone $RPCD $(<pid) && echo gone

# stdout:
#| failed
#| gone
