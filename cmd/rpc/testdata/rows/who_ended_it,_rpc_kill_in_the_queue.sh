# A call that rpc kill cancels in the queue says who did that.
#
# serve: --max-calls 1
# use: ended
# fault: 78

rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' &
wait_for test -e up
ended a --label a $W touch ran &
rpc kill $W $(id_of a)
wait $! || echo $?
says a
: >go
wait
ls ran 2>/dev/null || echo never ran

# stdout:
#| 125
#| {"outcome":"canceled","started":false,"status":125,"signal":"","reason":"kill","by":U
#| rpc: "touch" was cancelled by rpc kill (uid U) while it waited for $W
#| never ran
