# "rpc doctor" notes that calls start in the worker's --workdir where the directory isn't shared.
#
# on: users
# serve: --workdir /
# use: findings

mkdir other
unshare -m bash -c "$(declare -f findings)"'
  mount -t tmpfs none other
  cd other
  findings -n rpc doctor $W | grep -v "^note files\|cure"
  rpc $W pwd
'
findings rpc doctor -C /no/such $W

# stdout:
#| note directory: "$D/cwd/other" isn't shared: calls start in the worker's --workdir, ...
#| status 0
#| /
#| bad directory: the worker has no "/no/such"
#|  cure: ...
#| status 1
