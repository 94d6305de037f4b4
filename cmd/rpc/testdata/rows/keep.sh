# A procedure with a keep file may leave processes behind. Without one they are ended.
#
# ends: rpcd

procedure kept sh
: >$D/ex/kept/keep
rpc $W kept -c 'sleep 60 >/dev/null 2>&1 & echo $!; exit 7' >out
echo $?
rpc $W sh -c 'sleep 60 >/dev/null 2>&1 & echo $!' >out2
wait_for gone $(<out2) && echo one is gone
gone $(<out) || echo the kept one lives
kill $(<out)

# stdout:
#| 7
#| one is gone
#| the kept one lives
