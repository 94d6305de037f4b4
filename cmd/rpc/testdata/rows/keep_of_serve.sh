# With serve's --keep every procedure may leave processes behind.
#
# serve: --keep
# ends: rpcd

rpc $W sh -c 'sleep 60 >/dev/null 2>&1 & echo $!; exit 7' >out
echo $?
rpc $W true
sleep 0.3
gone $(<out) || echo lives
kill $(<out)

# stdout:
#| 7
#| lives
