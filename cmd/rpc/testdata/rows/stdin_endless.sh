# A call with an endless or an open stdin ends with its procedure.
#
# fault: 42

rpc $W head -c 3 </dev/zero | wc -c
rpc $W true </dev/zero
echo $?
yes | rpc $W head -1
echo ${PIPESTATUS[@]}
rpc $W true < <(exec sleep 99 2>/dev/null)
echo $?

# stdout:
#| 3
#| 0
#| y
#| 141 0
#| 0
