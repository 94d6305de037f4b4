# A caller with closed streams gets 127 for an unknown procedure, too.
#
# fault: 41

rpc $W nope <&- >&-
echo $?
rpc $W nope <&- >&- 2>&-
echo $?

# stdout:
#| 127
#| 127
# stderr:
#| rpc: $W has no procedure ...
