# A script's background job ignores INT, as bash sets it up, and so does the procedure.

rpc $W sh -c 'trap "echo no" INT; : >up; while [ ! -e go ]; do sleep 0.02; done; echo end' &
wait_for test -e up
kill -INT $!
sleep 0.2
: >go
wait $!
echo $?

# stdout:
#| end
#| 0
