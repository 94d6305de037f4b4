# The report on --status-fd says which signal ended a caller that waited in the queue.
#
# serve: --max-calls 1
# use: report
# fault: 78

set -m
rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' &
wait_for test -e up
rpc --status-fd 9 $W true 9>out &
wait_for sh -c 'rpc ping $W | grep -q "1 waiting"'
kill -TERM $!
wait $! 2>/dev/null
echo $?
: >go
wait
grep -o '^.*"signal":"[A-Z]*"' out

# stdout:
#| 143
#| {"outcome":"canceled","started":false,"status":143,"signal":"SIGTERM"
