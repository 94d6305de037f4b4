# The report on --status-fd says that three interrupts gave up the procedure.

set -m
rpc --status-fd 9 $W sh -c 'trap "" INT; : >up; while :; do sleep 0.02; done' 9>out &
wait_for test -e up
for i in 1 2 3; do
  kill -INT $!
  sleep 0.1
done
wait $! 2>/dev/null
echo $?
grep -o '^.*"signal":"[A-Z]*"' out

# stdout:
#| 130
#| {"outcome":"canceled","started":true,"status":130,"signal":"SIGINT"
