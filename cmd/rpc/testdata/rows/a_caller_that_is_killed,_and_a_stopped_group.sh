# A stopped procedure of a killed caller is continued, so that its TERM trap can run.

rpc $W sh -c 'trap "echo cleaned >trace; exit" TERM; echo $$ >pid; kill -STOP $$; exit' &
wait_for test -s pid
wait_for is T $(<pid)
kill -9 $!
wait_for test -s trace
cat trace

# stdout:
#| cleaned
