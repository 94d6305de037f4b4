# When a time limit ends a call, one line and the report say whose limit that was.
#
# serve: --timeout 4s
# use: ended
# fault: 82

procedure nap sleep
echo 0.3s >$D/ex/nap/timeout
ended a --timeout 1h $W nap 99 || echo $?
says a
ended b --timeout 0.3s $W sleep 99 || echo $?
says b
ended c --timeout 1h $W sh -c 'trap "exit 0" TERM; sleep 99 & wait' || echo $?
says c

# stdout:
#| 124
#| {"outcome":"timeout","started":true,"status":124,"signal":"SIGTERM","reason":"worker-timeout"
#| rpc: $W's own limit of 300ms ended "nap" after Ns
#| 124
#| {"outcome":"timeout","started":true,"status":124,"signal":"SIGTERM","reason":"caller-timeout"
#| rpc: $W: your limit of 300ms (--timeout) ended "sleep" after Ns
#| 124
#| {"outcome":"timeout","started":true,"status":124,"signal":"","reason":"worker-timeout"
#| rpc: $W's own limit of 4s ended "sh" after Ns
