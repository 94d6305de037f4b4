# A signal ends a caller that waits, and its procedure never runs.
#
# serve: --max-calls 1
# fault: 78

set -m
rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' &
first=$!
wait_for test -e up
rpc $W touch ran &
p=$!
wait_for sh -c 'rpc ping $W | grep -q "1 waiting"'
kill -TERM $p
wait $p 2>/dev/null
echo $?
: >go
wait $first
rpc $W true
ls ran 2>/dev/null || echo never ran

# stdout:
#| 143
#| never ran
