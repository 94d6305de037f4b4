# The null device works as each of the three streams.

rpc $W cat </dev/null >/dev/null 2>/dev/null
echo $?
rpc $W sh -c 'echo lost' >/dev/null
echo $?

# stdout:
#| 0
#| 0
