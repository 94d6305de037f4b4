# A stdin that is open for writing only is no reason to fail where the procedure doesn't read.
#
# fault: 41

rpc $W true 0>/dev/null
echo $?

# stdout:
#| 0
