# A daemon that gets TERM refuses new calls and lets running ones end. Then it goes, and its socket with it.
#
# serve: --drain 20s
# ends: rpcd
# fault: 7

rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done; echo end; exit 5' &
wait_for test -e up
kill -TERM $RPCD
refused() { ! rpc $W true 2>e; }
wait_for refused
rpc $W true
echo $?
: >go
wait %1
echo $?
wait_for gone $RPCD
ls $D/sock | grep -c w.sock
:

# stdout:
#| 125
#| end
#| 5
#| 0
# stderr:
#| rpc: $W is draining...
