# The log says who or what ended a call, also where nobody is left to be told. It says so of no other call.

rpc $W sleep 99 &
wait_for grep -q 'start: call' $D/log
kill -KILL $!
wait $! 2>/dev/null
wait_for grep -q ' end: .*reason=caller-left' $D/log
{ rpc $W sh -c 'kill -TERM $$'; } 2>/dev/null
wait_for grep -q ' end: call=2' $D/log
grep -c ' end: .*reason' $D/log

# stdout:
#| 1
