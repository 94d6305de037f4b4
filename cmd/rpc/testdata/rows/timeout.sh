# A call that reaches --timeout or RPC_TIMEOUT ends with 124. What it wrote before arrives.
#
# fault: 82

rpc --timeout 4s $W sh -c 'echo so far; exec sleep 99'
echo $?
RPC_TIMEOUT=500ms rpc $W sleep 99
echo $?
rpc --timeout 20 $W sh -c 'exit 3'
echo $?

# stdout:
#| so far
#| 124
#| 124
#| 3
# stderr:
#| rpc: $W: your limit of 4s (--timeout) ended "sh" after ...s
#| rpc: $W: your limit of 500ms (--timeout) ended "sleep" after ...s
