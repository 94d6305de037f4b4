# Without a queue the call over the limit is refused as busy with 125, and --wait tries again.
#
# serve: --max-calls 1
# serve: --queue 0
# fault: 77

rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' &
wait_for test -e up
rpc $W true
echo $?
: >go
wait
rpc --wait 60s $W true
echo $?

# stdout:
#| 125
#| 0
# stderr:
#| rpc: $W is busy: 1 running (1 sh)...
