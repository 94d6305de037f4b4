# A call to a worker that is frozen ends with 125 in bounded time.
#
# on: passed bridge
# fault: 14 moby-paused

kill -STOP $RPCD
wait_for is T $RPCD
t=$(now)
rpc $W true
echo $?
kill -CONT $RPCD
(($(now) - t < 20)) && echo bounded

# stdout:
#| 125
#| bounded
# stderr:
#| rpc: ...
