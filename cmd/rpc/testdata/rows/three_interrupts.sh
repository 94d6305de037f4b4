# The third interrupt gives up a procedure that ignores them: rpc dies by the signal, and the group is killed without
# grace.
#
# serve: --grace 60s
# fault: 3

set -m
script='trap "" INT TERM; sleep 99 & echo $$ $! >pids.; mv pids. pids; sleep 99; sleep 99'
for s in INT TERM; do
  rm -f pids
  perl -e 'system { $ARGV[0] } @ARGV; print $? & 127, "\n"' rpc $W sh -c "$script" &
  wait_for test -s pids
  p=$(cat /proc/$!/task/*/children)
  ends() {
    kill -$s $p
    gone $p
  }
  wait_for ends # rpc sees one of several that come together
  wait $!
  wait_for gone $(<pids) && echo gone
done

# stdout:
#| 2
#| gone
#| 15
#| gone
