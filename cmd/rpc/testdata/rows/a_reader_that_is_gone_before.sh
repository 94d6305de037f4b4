# A stdout whose reader has left before the call ends the procedure by SIGPIPE.
#
# fault: 45

mkfifo f
exec 3<>f
exec 4>f
exec 3<&-
rpc $W yes >&4
echo $?

# stdout:
#| 141
