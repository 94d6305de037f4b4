# A call goes on when its socket's file is moved away.
#
# fault: 17

rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done; echo end; exit 4' &
wait_for test -e up
mv $W $W.away
: >go
wait $!
echo $?
mv $W.away $W

# stdout:
#| end
#| 4
