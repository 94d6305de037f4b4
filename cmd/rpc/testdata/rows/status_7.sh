# The status of the procedure is the status of rpc.
#
# status: 7

rpc $W sh -c 'exit 7'

# stdout: nothing
