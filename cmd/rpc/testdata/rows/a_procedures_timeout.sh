# A procedure's timeout file is its time limit, read at each call.
#
# fault: 82

procedure p sleep
echo 0.5s >$D/ex/p/timeout
rpc $W p 99
echo $?
rpc $W sleep 0.7
echo $?
echo 20s >$D/ex/p/timeout
rpc $W p 0
echo $?

# stdout:
#| 124
#| 0
#| 0
# stderr:
#| rpc: $W's own limit of 500ms ended "p" after ...s
