# With --wait a caller tries a busy worker again until it has room.
#
# serve: --max-calls 1
# serve: --queue 0

rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' &
wait_for test -e up
rpc --wait 60s $W echo ran &
sleep 0.3
: >go
wait %2
echo $?
wait

# stdout:
#| ran
#| 0
