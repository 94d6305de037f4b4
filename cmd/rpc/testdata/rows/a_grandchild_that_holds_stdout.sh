# The status is out at once though a grandchild holds stdout open. Then the grandchild is ended.
#
# fault: 48

t=$(now)
{
  wait_for test -e ended
  exec sleep 3
} &
later=$!
rpc $W sh -c 'sleep 60 & echo $!; : >ended; exit 7' >out
echo $?
gone $later || echo at once
kill $later 2>/dev/null
wait_for gone $(<out) && echo gone
rpc $W sh -c 'sleep 60 & echo $!; exit 7' | cat >out
echo ${PIPESTATUS[0]}
(($(now) - t < 20)) && wait_for gone $(<out) && echo gone

# stdout:
#| 7
#| at once
#| gone
#| 7
#| gone
