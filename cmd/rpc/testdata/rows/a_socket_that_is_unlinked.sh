# A call goes on when its socket's file is moved away, and rpcd's log warns once.
#
# fault: 17

rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done; echo end; exit 4' &
wait_for test -e up
S=$(sed -n 's/.*serving: .*socket=\([^ ]*\) .*/\1/p' $D/log)
mv $W $W.away
[[ $S == "$W" ]] || mv $S $S.away
wait_for grep -q 'WARN.* no caller finds this rpcd' $D/log
touch $S.other
: >go
wait $!
echo $?
mv $W.away $W
[[ $S == "$W" ]] || mv $S.away $S
wait_for grep -q "socket's file is back" $D/log
grep -c 'no caller finds' $D/log

# stdout:
#| end
#| 4
#| 1
