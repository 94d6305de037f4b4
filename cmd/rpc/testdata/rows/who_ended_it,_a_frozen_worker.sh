# A worker that doesn't keep the caller's time limit is given up, and the report says whose limit that was.
#
# serve: --grace 0.1s
# use: ended
# fault: 14

ended a --timeout 1s $W sh -c 'echo $$ >pid; exec sleep 99' &
wait_for test -s pid
wait_for grep -q 'start: call' $D/log
kill -STOP $RPCD
wait $! || echo $?
says a
kill -CONT $RPCD
wait_for gone $(<pid)

# stdout:
#| 124
#| {"outcome":"timeout","started":true,"status":124,"signal":"","reason":"caller-timeout"
#| rpc: $W didn't end "sh" when your limit of 1s ran out (is it frozen?)
