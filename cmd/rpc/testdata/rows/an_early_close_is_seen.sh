# A procedure that closes its stdout is seen to do so before it ends.

rpc $W sh -c '
  echo a
  exec >&-
  i=0
  while [ $i -lt 400 ]; do
    [ -e seen ] && exit 0
    sleep 0.05
    i=$((i + 1))
  done
  exit 9
' | {
  cat
  : >seen
}
echo ${PIPESTATUS[0]}

# stdout:
#| a
#| 0
