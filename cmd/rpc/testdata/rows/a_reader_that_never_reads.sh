# A reader that never reads blocks the procedure, costs little memory, and holds up no other call.
#
# on: none bridge
# use: shortage
# fault: 26

mkfifo f
exec 3<>f
rpc $W sh -c 'echo $$ >pid; exec cat /dev/zero' >&3 &
wait_for test -s pid
wait_for still $(<pid)
is S $(<pid) && echo blocked
(($(peak $!) < 64 && $(peak $RPCD) < 64)) && echo small
rpc $W echo other
kill $!
wait_for gone $(<pid) && echo gone
ends() {
  kill $1
  gone $1
}
wait_for ends $!
wait $!
echo $?

# stdout:
#| blocked
#| small
#| other
#| gone
#| 143
