# A signal to rpc reaches the procedure's trap, and the trap's output and status come back.
#
# fault: 2

set -m
for s in INT TERM HUP QUIT USR1 USR2; do
  rm -f out
  rpc $W sh -c "trap 'echo got $s; exit 40' $s; echo ready; sleep 99 & wait" >out &
  wait_for grep -q ready out
  kill -$s $!
  wait $!
  echo $? $(tail -1 out)
done

# stdout:
#| 40 got INT
#| 40 got TERM
#| 40 got HUP
#| 40 got QUIT
#| 40 got USR1
#| 40 got USR2
