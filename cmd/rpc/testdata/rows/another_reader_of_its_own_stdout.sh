# A procedure that reads from its own stdout takes those bytes, and the call ends all the same.
#
# fault: 107

rpc $W sh -c 'yes & head -c 200000000 </proc/self/fd/1 >/dev/null; exit 5' | cat >/dev/null
echo ${PIPESTATUS[0]}

# stdout:
#| 5
