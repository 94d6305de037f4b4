# "rpc doctor" notes that a directory is read-only at the worker.
#
# on: passed
# needs: root

mkdir -m 777 ro
unshare -m bash -c "$(declare -f wait_for)"'
  mount --bind ro ro && mount -o remount,bind,ro ro
  rpcd serve --listen ./own.sock --exports $D/ex 2>/dev/null &
  wait_for rpc ping ./own.sock >ping
  cd ro
  rpc doctor ../own.sock >../found
  echo $?
  kill $!
  wait
'
grep -A1 ^note found

# stdout:
#| 0
#| note  directory: 0:0 may read, not write "$D/cwd/ro" (0:0 0777, read-only there)
#|       cure: mount it without :ro there, ...
