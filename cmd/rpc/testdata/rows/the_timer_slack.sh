# The kernel wakes a procedure as soon after its timers as it does without rpc: rpcd has its own threads woken later.
#
# needs: root

cat /proc/self/timerslack_ns >here
# shellcheck disable=SC2016
rpc $W sh -c 'cat /proc/self/timerslack_ns; test "$(cat /proc/$PPID/timerslack_ns)" -gt "$(cat /proc/self/timerslack_ns)"' >there || echo "rpcd's threads: as others"
rpc -t $W cat /proc/self/timerslack_ns </dev/null | tr -d '\r' >terminal
cmp here there && cmp here terminal && echo the same

# stdout:
#| the same
