# The time limit of serve's --timeout can't be raised by a caller.
#
# serve: --timeout 0.5s

rpc $W sleep 99
echo $?
rpc --timeout 20s $W sleep 99
echo $?

# stdout:
#| 124
#| 124
# stderr:
#| rpc: $W's own limit of 500ms ended "sleep" after ...s
#| rpc: $W's own limit of 500ms ended "sleep" after ...s
