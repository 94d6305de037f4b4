# A procedure that ignores TERM goes on to its end, and rpc waits for it.

set -m
rpc $W sh -c 'trap "" TERM; : >up; while [ ! -e go ]; do sleep 0.02; done; echo end' &
wait_for test -e up
kill -TERM $!
sleep 0.1
kill -TERM $!
sleep 0.2
: >go
wait $!
echo $?

# stdout:
#| end
#| 0
