# Waiting calls start in the order in which they came.
#
# serve: --max-calls 1
# fault: 77

rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' &
wait_for test -e up
for i in 1 2 3 4 5; do
  rpc $W sh -c "echo $i >>order" &
  wait_for sh -c "rpc ping $W | grep -q '$i waiting'"
done
: >go
wait
cat order

# stdout:
#| 1
#| 2
#| 3
#| 4
#| 5
