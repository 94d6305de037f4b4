# The highest status arrives as it is.
#
# status: 255
# fault: 51

rpc $W sh -c 'exit 255'

# stdout: nothing
