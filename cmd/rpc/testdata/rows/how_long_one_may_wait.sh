# A call that waits for longer than --queue-wait is refused, and told behind what.
#
# serve: --max-calls 1
# serve: --queue-wait 0.3s
# fault: 77

rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' &
wait_for test -e up
rpc $W true
echo $?
: >go
wait

# stdout:
#| 125
# stderr:
#| rpc: $W is busy: waited 300ms behind 1 running (1 sh)
