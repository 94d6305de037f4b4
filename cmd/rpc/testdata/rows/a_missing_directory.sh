# A directory that isn't there, or is a file, is refused with 125.
#
# fault: 66

rpc -C /no/such $W pwd
echo $?
: >f
rpc -C $PWD/f $W pwd 2>e
echo $? $(wc -l <e)

# stdout:
#| 125
#| 125 1
# stderr:
#| rpc: ..."/no/such"...
