# A caller can be stopped and continued again and again.

set -m
mkfifo go
call $W sh -c 'echo $$ >pid; read x <go; exit 6'
wait_for test -s pid
wait_for minds 20 $rpc
for i in 1 2 3; do
  kill -TSTP $rpc
  wait_for is T $rpc && wait_for is T $(<pid)
  kill -CONT $rpc
  wait_for is S $(<pid)
done
: >go
wait $job
cat rc

# stdout:
#| 6
