# Arguments of a megabyte are cut in the log, and the log says how many are left out.
#
# serve: --log-level debug
# fault: 89

a=$(printf %0100000d 1)
set -- $a $a $a $a $a $a $a $a $a $a
rpc $W true "$@"
rpc $W true $(seq 20000)
rpc $W true last
wait_for grep -q 'last' $D/log
awk 'length > 9000' $D/log | wc -l
grep -c '"\.\.\. [0-9]* more"' $D/log

# stdout:
#| 0
#| 2
