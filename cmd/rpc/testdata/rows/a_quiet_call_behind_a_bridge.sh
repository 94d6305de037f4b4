# A call that says nothing for longer than a heartbeat isn't cut.
#
# fault: kubernetes-heartbeat

rpc --heartbeat 4s $W sh -c 'sleep 5; echo end'
echo $?

# stdout:
#| end
#| 0
