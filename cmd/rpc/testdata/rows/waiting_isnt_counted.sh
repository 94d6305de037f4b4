# The time in the queue doesn't count for the call's time limit.
#
# serve: --max-calls 1

rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' &
wait_for test -e up
rpc --timeout 4s $W echo ran &
wait_for sh -c 'rpc ping $W | grep -q "1 waiting"'
sleep 5
: >go
wait $!
echo $?

# stdout:
#| ran
#| 0
