# With --wait a call to a frozen worker ends unreachable, and doesn't run when the worker goes on.
#
# on: passed none bridge
# use: report

kill -STOP $RPCD
wait_for is T $RPCD
report --wait 0.1s $W touch ran
kill -CONT $RPCD
wait_for grep -q 'refused.*touch' $D/log
ls ran 2>/dev/null || echo never ran

# stdout:
#| {"outcome":"unreachable","started":false,"status":125,"signal":"","worker":"$W","call":"",...}
#| never ran
