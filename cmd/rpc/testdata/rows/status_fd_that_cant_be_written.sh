# A --status-fd that can't be written, or is no descriptor, is refused before anything runs.

rpc --status-fd 9 $W echo ran 9</dev/null
echo $?
for n in -1 -3 4294967298 4294967297; do
  rpc --status-fd $n $W echo ran
  echo $?
done

# stdout:
#| 125
#| 125
#| 125
#| 125
#| 125
# stderr:
#| rpc: cannot use --status-fd 9: that descriptor isn't open for writing
#| rpc: cannot use --status-fd -1: that is no descriptor
#| rpc: cannot use --status-fd -3: that is no descriptor
#| rpc: cannot use --status-fd 4294967298: that is no descriptor
#| rpc: cannot use --status-fd 4294967297: that is no descriptor
