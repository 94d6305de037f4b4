# A call that outlasts the drain gets TERM, and its output and status still arrive.
#
# serve: --drain 0.3s
# ends: rpcd
# fault: 7 moby-stop

rpc $W sh -c 'trap "echo told; exit 9" TERM; : >up; sleep 99 & wait' &
wait_for test -e up
kill -TERM $RPCD
wait $!
echo $?
wait_for gone $RPCD && echo gone

# stdout:
#| told
#| 9
#| gone
# stderr:
#| rpc: $W stopped, and ended "sh" after ...s (drain of 300ms ran out)
