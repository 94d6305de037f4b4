# At the time limit the procedure gets TERM, and its trap's output arrives, but the status is 124.
#
# status: 124

rpc --timeout 4s $W sh -c 'trap "echo told; exit 0" TERM; sleep 99 & wait'

# stdout:
#| told
# stderr:
#| rpc: ...
