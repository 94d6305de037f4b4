# Signals to rpc reach the procedure of a terminal, stop and continue it; one that ends rpc, and a caller that is killed,
# hang its terminal up.

rpc -t $W sh -c 'trap "echo told; exit 3" TERM; : >up; while :; do sleep 0.02; done' </dev/null >out 2>/dev/null &
wait_for test -e up
kill -TERM $!
wait $!
echo $?
tr -d '\r' <out
rm up
mkfifo go
call -t $W sh -c 'echo $$ >pid; read x <go' </dev/null 2>/dev/null
wait_for test -s pid
kill -TSTP $rpc
wait_for is T $rpc
wait_for is T "$(<pid)" && echo stopped
kill -CONT $rpc
echo >go
wait $job
cat rc
for sig in KILL ALRM XCPU RTMIN; do
  rm -f up hup
  rpc -t $W sh -c 'exec 2>/dev/null; trap "" TERM; trap "echo hup >hup; exit" HUP; : >up; while :; do sleep 0.02; done' </dev/null 2>/dev/null &
  wait_for test -e up
  kill -$sig $!
  wait $! 2>/dev/null
  echo $?
  wait_for test -s hup
done

# stdout:
#| 3
#| told
#| stopped
#| 0
#| 137
#| 142
#| 152
#| 162
