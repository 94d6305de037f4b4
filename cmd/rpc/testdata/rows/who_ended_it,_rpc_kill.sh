# When rpc kill ends a call, one line and the report say who sent the signal. A signal that the procedure answers
# ends nothing, nor does rpc say more of a signal of the caller's own.
#
# use: ended

ended a --label a $W sleep 99 &
rpc kill $W $(id_of a)
wait $! || echo $?
says a
ended b --label b $W sh -c 'trap "exit 0" TERM; : >up; sleep 99 & wait' &
wait_for test -e up
rpc kill $W $(id_of b)
wait $! && echo 0
says b
ended c --label c $W sleep 99 &
rpc kill $W $(id_of c) KILL
wait $! || echo $?
says c
ended d --label d $W sh -c 'trap "exit 3" USR1; : >up.d; sleep 99 & wait' &
wait_for test -e up.d
rpc kill $W $(id_of d) USR1
wait $! || echo $?
says d
ended e $W sh -c ': >up.e; exec sleep 99' &
wait_for test -e up.e
wait_for has_child $!
kill -TERM $(cat /proc/$!/task/*/children)
wait $! || echo $?
says e

# stdout:
#| 143
#| {"outcome":"signaled","started":true,"status":143,"signal":"SIGTERM","reason":"kill","by":U
#| rpc: rpc kill (uid U) ended "sleep" with TERM after Ns
#| 0
#| {"outcome":"exited","started":true,"status":0,"signal":"","reason":"kill","by":U
#| rpc: rpc kill (uid U) ended "sh" after Ns
#| 137
#| {"outcome":"signaled","started":true,"status":137,"signal":"SIGKILL","reason":"kill","by":U
#| rpc: rpc kill (uid U) ended "sleep" with KILL after Ns
#| 3
#| {"outcome":"exited","started":true,"status":3,"signal":""
#| 143
#| {"outcome":"signaled","started":true,"status":143,"signal":"SIGTERM"
