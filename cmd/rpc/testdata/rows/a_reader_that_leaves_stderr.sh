# A reader that leaves stderr ends the procedure by SIGPIPE, as one of stdout does.

{ rpc $W sh -c 'yes >&2' 2>&1 >&3 | head -1; } 3>/dev/null
echo ${PIPESTATUS[0]}

# stdout:
#| y
#| 141
