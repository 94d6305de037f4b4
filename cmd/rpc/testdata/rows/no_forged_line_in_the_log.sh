# No name, argument or label makes a line of its own in the log, or a control byte.
#
# fault: 56

procedure p sh
: >$D/ex/p/log-args
a=$'x\n2026-01-01T00:00:00.000Z [INFO]  rpcd: forged\e[2J\r\xff'
rpc --label "$a" $W p -c : "$a" 2>/dev/null
rpc $W "$a" 2>/dev/null
rpc -e "$a=1" $W true 2>/dev/null
rpc -C "/$a" $W true 2>/dev/null
rpc $W p -c : last
wait_for grep -q last $D/log
grep -c forged $D/log
grep -vc '^20[0-9T:.-]*Z \[[A-Z]*\] *rpcd: ' $D/log
LC_ALL=C grep -c $'[\e\r\xff]' $D/log
:

# stdout:
#| 4
#| 0
#| 0
