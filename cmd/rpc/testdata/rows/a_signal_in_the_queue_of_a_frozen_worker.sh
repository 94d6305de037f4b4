# A caller in the queue of a frozen worker ends by its signal at once, and its procedure never runs.
#
# on: passed bridge
# serve: --max-calls 1
# fault: 78

set -m
rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' &
first=$!
wait_for test -e up
rpc $W touch ran &
p=$!
wait_for sh -c 'rpc ping $W | grep -q "1 waiting"'
kill -STOP $RPCD
wait_for is T $RPCD
kill -TERM $p
wait $p
echo $?
kill -CONT $RPCD
: >go
wait $first
rpc $W true
ls ran 2>/dev/null || echo never ran

# stdout:
#| 143
#| never ran
