# Each line arrives when it is written, not when a buffer is full.

rpc $W sh -c '
  for i in 1 2 3; do
    echo $i
    n=0
    while [ ! -e seen$i ] && [ $n -lt 400 ]; do
      sleep 0.05
      n=$((n + 1))
    done
    [ -e seen$i ] || exit 9
  done
' | while read -r l; do
  echo $l
  : >seen$l
done
echo ${PIPESTATUS[0]}

# stdout:
#| 1
#| 2
#| 3
#| 0
