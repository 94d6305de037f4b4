# A relayed stdout that is full is an error of rpc's: 125, and the procedure is ended.
#
# on: none bridge
# fault: 44

rpc $W echo hi >/dev/full
echo $?
rpc $W yes >/dev/full
echo $?

# stdout:
#| 125
#| 125
# stderr:
#| rpc: cannot write the output of $W: no space left on device...
#| rpc: cannot write the output of $W: no space left on device...
