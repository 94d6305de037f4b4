# Output that a grandchild writes after the end of the procedure doesn't hold up the status.
#
# fault: 48

rpc $W sh -c 'echo early; { sleep 0.05; echo late; sleep 60; } & exit 7' | head -1
echo ${PIPESTATUS[0]}

# stdout:
#| early
#| 7
