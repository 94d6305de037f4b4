# A procedure that ignores TERM at its time limit is killed after the grace.
#
# fault: 82

rpc --timeout 4s $W sh -c 'trap "" TERM; echo $$ >pid; sleep 99; sleep 99'
echo $?
wait_for gone $(<pid) && echo gone

# stdout:
#| 124
#| gone
# stderr:
#| rpc: ...
