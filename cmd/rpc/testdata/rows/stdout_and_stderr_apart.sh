# Output and errors of a procedure stay apart.

rpc $W sh -c 'echo out; echo err >&2' >o 2>e
cat o
echo -
cat e

# stdout:
#| out
#| -
#| err
