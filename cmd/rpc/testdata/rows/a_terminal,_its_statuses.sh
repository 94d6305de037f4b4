# With -t statuses are what they are without: the procedure's own, its signal, and those of a call that doesn't start.

rpc -t $W sh -c 'exit 7'
echo $?
died rpc -t $W sh -c 'kill -TERM $$'
rpc -t $W none 2>/dev/null
echo $?
rpc -t -C /none $W true 2>/dev/null
echo $?
rpc --tty --timeout 0.2 $W sleep 99 2>/dev/null
echo $?
died rpc -it $W sh -c 'kill -KILL $$'
rpc -t --status-fd 3 $W sh -c 'exit 3' 3>status
sed 's/.*\("outcome":"exited","started":true,"status":3\).*/\1/' status

# stdout:
#| 7
#| signal 15
#| 127
#| 125
#| 124
#| signal 9
#| "outcome":"exited","started":true,"status":3
