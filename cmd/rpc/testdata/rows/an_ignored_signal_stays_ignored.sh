# A caller that ignores HUP, as under nohup, doesn't send it to its procedure.

trap '' HUP
set -m
rpc $W sh -c 'trap "echo no" HUP; : >up; while [ ! -e go ]; do sleep 0.02; done; echo end' &
wait_for test -e up
kill -HUP $!
sleep 0.2
: >go
wait $!
echo $?

# stdout:
#| end
#| 0
