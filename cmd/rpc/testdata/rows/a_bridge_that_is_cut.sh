# A bridge that is cut in a call is 125 for the caller, and the procedure is ended.
#
# on: bridge
# fault: 29

rpc $W sh -c 'echo $$ >pid; exec sleep 999' &
wait_for test -s pid
# The socats of this call are children of the one that listens on our socket.
for p in /proc/[0-9]*; do
  if [[ $(tr '\0' ' ' 2>/dev/null <$p/cmdline) == *"socat UNIX-LISTEN:$W"* ]]; then socats+=(${p#/proc/}); fi
done
kill -9 ${socats[@]} 2>/dev/null
wait $!
echo $?
wait_for gone $(<pid) && echo gone

# stdout:
#| 125
#| gone
# stderr:
#| rpc: lost the connection to $W ...
