# The report on --status-fd says which signal ended a caller that waited for its worker.
#
# on: passed

set -m
rpc --wait 60s --status-fd 9 ./none true 9>out &
wait_for watches $!
kill -INT $!
wait $! 2>/dev/null
echo $?
grep -o '^.*"signal":"[A-Z]*"' out

# stdout:
#| 130
#| {"outcome":"canceled","started":false,"status":130,"signal":"SIGINT"
