# The time limit is the caller's, too: it ends a call whose worker is frozen.
#
# fault: 14

rpc --timeout 4s $W sh -c 'echo $$ >pid; sleep 99' &
wait_for test -s pid
wait_for grep -q 'start: call' $D/log
kill -STOP $RPCD
t=$(now)
wait $!
echo $?
(($(now) - t < 15)) && echo bounded
kill -CONT $RPCD
wait_for gone $(<pid)

# stdout:
#| 124
#| bounded
# stderr:
#| rpc: ...
