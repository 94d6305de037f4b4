# None of many callers takes the death of rpcd for a success: each ends with its own status or 125.
#
# ends: rpcd
# fault: 5

for i in {1..20}; do
  {
    rpc $W sh -c 'exec 9<>/dev/null; sleep 0.0$((RANDOM % 9 + 1)) 2>/dev/null || sleep 0.05; exit 0'
    echo $?
  } >out$i 2>/dev/null &
done
sleep 0.05
kill -9 $RPCD
wait
cat out* | sort -u | grep -vx '0\|125'
rpc $W true
echo $?

# stdout:
#| 125
# stderr:
#| rpc: ...
