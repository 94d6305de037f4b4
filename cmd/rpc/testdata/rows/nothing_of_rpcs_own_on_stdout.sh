# Errors, hints and what -v says go to stderr: stdout belongs to the procedure.
#
# status: 125

rpc $W nope 2>/dev/null
rpc -v $W true 2>/dev/null
rpc 2>/dev/null
rpc --nope $W true 2>/dev/null
rpc nosuch true 2>/dev/null

# stdout: nothing
