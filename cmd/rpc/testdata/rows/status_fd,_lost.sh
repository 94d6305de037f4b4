# The report on --status-fd says that the connection was lost after the start.
#
# use: report
# ends: rpcd

report $W sh -c 'echo $$ >pid; exec sleep 99' &
wait_for test -s pid
wait_for grep -q 'start: call' $D/log
kill -9 $RPCD
wait
kill -9 $(<pid) 2>/dev/null || :

# stdout:
#| {"outcome":"lost","started":true,"status":125,"signal":"","worker":"$W","call":...,"seconds":N,"user_seconds":N,"system_seconds":N}
