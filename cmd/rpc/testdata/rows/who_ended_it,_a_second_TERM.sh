# A drain that a second TERM cuts short hasn't run out.
#
# serve: --drain 50s
# use: ended
# ends: rpcd
# fault: 7

ended a $W sh -c ': >up; exec sleep 99' &
wait_for test -e up
kill -TERM $RPCD
wait_for grep -q draining $D/log
kill -TERM $RPCD
wait $! || echo $?
says a

# stdout:
#| 137
#| {"outcome":"signaled","started":true,"status":137,"signal":"SIGKILL","reason":"drain"
#| rpc: $W stopped, and ended "sh" after Ns
