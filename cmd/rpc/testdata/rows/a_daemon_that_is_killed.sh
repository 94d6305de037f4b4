# The death of rpcd is 125 for its callers at once. What was written before arrives.
#
# ends: rpcd
# fault: 5

rpc $W sh -c 'echo $$ >pid; echo so far; exec sleep 999' >out &
wait_for grep -q "so far" out
kill -9 $RPCD
wait $!
echo $?
cat out
kill -9 $(<pid) 2>/dev/null || :

# stdout:
#| 125
#| so far
# stderr:
#| rpc: lost the connection to $W ...
