# The flags of a passed descriptor are the same after the call.
#
# on: passed none
# fault: 39

mkfifo f
exec 3<>f
rpc $W sh -c 'echo hi' >&3
grep flags /proc/self/fdinfo/3
read -r x <&3
echo $x

# stdout:
#| flags:	0100002
#| hi
