# When a worker stops and ends a call, one line and the report say so, whatever the status is.
#
# serve: --drain 0.3s
# use: ended
# ends: rpcd
# fault: 7

ended a $W sh -c ': >up.a; exec sleep 99' &
a=$!
ended b $W sh -c 'trap "exit 0" TERM; : >up.b; sleep 99 & wait' &
b=$!
ended c $W sh -c 'trap "" TERM; : >up.c; while :; do sleep 0.02; done' &
c=$!
wait_for test -e up.a -a -e up.b -a -e up.c
kill -TERM $RPCD
wait $a || echo $?
wait $b && echo 0
wait $c || echo $?
says a
says b
says c

# stdout:
#| 143
#| 0
#| 137
#| {"outcome":"signaled","started":true,"status":143,"signal":"SIGTERM","reason":"drain"
#| rpc: $W stopped, and ended "sh" after Ns (drain of 300ms ran out)
#| {"outcome":"exited","started":true,"status":0,"signal":"","reason":"drain"
#| rpc: $W stopped, and ended "sh" after Ns (drain of 300ms ran out)
#| {"outcome":"signaled","started":true,"status":137,"signal":"SIGKILL","reason":"drain"
#| rpc: $W stopped, and ended "sh" after Ns (drain of 300ms ran out)
