# A procedure that closes its stdout can still write to stderr.

rpc $W sh -c 'echo out; exec >&-; sleep 0.3; echo late >&2; exit 4' 2>e | cat
echo ${PIPESTATUS[0]}
cat e

# stdout:
#| out
#| 4
#| late
