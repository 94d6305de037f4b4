# A signal to rpc ends a procedure that has no trap, and rpc dies by the same signal.
#
# fault: 2

set -m
for s in INT TERM HUP QUIT USR1 USR2; do
  perl -e 'system { $ARGV[0] } @ARGV; print $? & 127, "\n"' rpc $W sh -c 'echo $$ >pid; exec sleep 99' &
  wait_for test -s pid
  kill -$s $(cat /proc/$!/task/*/children)
  wait $!
  wait_for gone $(<pid)
  rm pid
done

# stdout:
#| 2
#| 15
#| 1
#| 3
#| 10
#| 12
