# A caller that is killed while output is stuck takes its procedure with it.

mkfifo f
exec 3<>f
rpc $W sh -c 'echo $$ >pid; exec cat /dev/zero' >&3 &
wait_for test -s pid
sleep 0.2
kill -9 $!
wait_for gone $(<pid) && echo gone

# stdout:
#| gone
