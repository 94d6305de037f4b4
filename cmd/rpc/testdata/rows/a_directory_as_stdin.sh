# A directory as stdin is refused with 125.
#
# fault: 37

rpc $W cat <.
echo $?
rpc $W cat <$D/ex 2>e
echo $? $(wc -l <e)

# stdout:
#| 125
#| 125 1
# stderr:
#| rpc: cannot pass stdin: it is a directory...
