# A signal goes to the procedure's whole process group, not to its leader alone.
#
# fault: 2

set -m
child='trap "echo child; exit" TERM; : >a; sleep 99 & wait'
leader='sh -c "$0" & trap "wait; echo leader; exit 5" TERM; : >b; wait'
rpc $W sh -c "$leader" "$child" >out &
wait_for test -e a -a -e b
kill -TERM $!
wait $!
echo $?
sort out

# stdout:
#| 5
#| child
#| leader
