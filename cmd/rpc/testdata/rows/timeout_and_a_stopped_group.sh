# The time limit ends a stopped procedure, too.
#
# status: 124

rpc --timeout 0.5s $W sh -c 'kill -STOP $$'

# stdout: nothing
# stderr:
#| rpc: ...
