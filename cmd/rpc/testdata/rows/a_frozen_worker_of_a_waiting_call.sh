# A call that waits in the queue of a worker that freezes ends with 125 and says so, with and without --timeout. One
# that merely waits for longer than the heartbeat isn't disturbed.
#
# on: passed none bridge
# serve: --max-calls 1
# fault: 126

set -m
mkfifo go
rpc $W sh -c ': >up; read x <go' &
holder=$!
wait_for test -e up
rpc --heartbeat 1s $W echo waited &
patient=$!
wait_for sh -c 'rpc ping $W | grep -q "1 waiting"'
sleep 3
: >go
wait $patient
echo $?
wait $holder

rm up
rpc $W sh -c ': >up; read x <go' &
wait_for test -e up
for timeout in '' '--timeout 1s'; do
  rpc --heartbeat 1s $timeout $W touch ran 2>err &
  wait_for sh -c 'rpc ping $W | grep -q "1 waiting"'
  kill -STOP $RPCD
  wait_for is T $RPCD
  wait $!
  echo $?
  grep -o 'has said nothing for 1s' err
  kill -CONT $RPCD
  wait_for sh -c 'rpc ping $W | grep -q "0 waiting"'
done
: >go
wait
ls ran 2>/dev/null || echo never ran

# stdout:
#| waited
#| 0
#| 125
#| has said nothing for 1s
#| 125
#| has said nothing for 1s
#| never ran
