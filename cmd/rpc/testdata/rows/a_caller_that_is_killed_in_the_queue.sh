# A caller that is killed while it waits gives its place up, and its procedure never runs.
#
# serve: --max-calls 1
# fault: 77

rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' &
first=$!
wait_for test -e up
rpc $W touch ran &
p=$!
wait_for sh -c 'rpc ping $W | grep -q "1 waiting"' && kill -9 $p
wait_for sh -c 'rpc ping $W | grep -q "0 waiting"'
: >go
wait $first
rpc $W true
ls ran 2>/dev/null || echo never ran

# stdout:
#| never ran
