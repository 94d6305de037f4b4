# rpc lets go of a descriptor that crosses. So its writer gets SIGPIPE as soon as the procedure has closed it, and its
# reader sees the end, while the call goes on.
#
# fault: 197
# on: passed none bridge

mkfifo in out go
(
  yes >in
  echo "yes ended: $?" >said
) &
rpc --fd 3 $W sh -c 'head -n 1 <&3; exec 3<&-; echo closed; cat' 3<in <go &
exec 4>go
wait_for test -s said
exec 4>&-
wait
cat said
cat out >got &
reader=$!
rpc --fd 3 $W sh -c 'echo text >&3; exec 3>&-; cat' 3>out <go &
exec 4>go
wait $reader
cat got
exec 4>&-
wait

# stdout:
#| y
#| closed
#| yes ended: 141
#| text
