# A variable without a name is a usage error.
#
# fault: 68

rpc -e =x $W true
echo $?
rpc -e '' $W true
echo $?

# stdout:
#| 125
#| 125
# stderr:
#| rpc: ...
#| rpc: ...
