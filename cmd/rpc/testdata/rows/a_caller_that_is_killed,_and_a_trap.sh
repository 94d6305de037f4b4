# The procedure of a killed caller can clean up in a TERM trap.
#
# fault: 1 s6-sudo

rpc $W sh -c 'trap "echo cleaned >trace; exit" TERM; : >up; sleep 99 & wait' &
wait_for test -e up
kill -9 $!
wait_for test -s trace
cat trace

# stdout:
#| cleaned
