# A procedure's max-calls file bounds its own calls and holds up no other procedure.

procedure p sh
echo 1 >$D/ex/p/max-calls
rpc $W p -c ': >up; while [ ! -e go ]; do sleep 0.02; done; echo first >>order' &
wait_for test -e up
rpc $W p -c 'echo second >>order' &
wait_for sh -c 'rpc ping $W | grep -q "1 waiting"'
rpc $W echo other
: >go
wait
cat order

# stdout:
#| other
#| first
#| second
