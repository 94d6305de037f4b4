# An endless stdin that nobody reads is read ahead by 64 KiB at most, and costs little memory.
#
# on: none bridge
# use: shortage hold
# fault: 42

exec 5>huge
perl -e 'truncate STDOUT, 1 << 30' >&5
position() { awk '/^pos/ { print $2 }' /proc/$1/fdinfo/0; }
rpc $W sh -c '{ : >up; read x; } <go' <huge 3>&- &
wait_for test -e up
begun() { (($(position $1) > 0)); }
wait_for begun $!
wait_for still $!
(($(position $!) <= 65536)) && echo little
(($(peak $!) < 64 && $(peak $RPCD) < 64)) && echo small
release
echo $?
exec 3<>go
rpc $W sh -c '{ : >up2; read x; } <go; exit 7' </dev/zero 3>&- &
wait_for test -e up2
wait_for still $!
(($(peak $!) < 64)) && echo small
exec 3>&-
wait $!
echo $?

# stdout:
#| little
#| small
#| 0
#| small
#| 7
