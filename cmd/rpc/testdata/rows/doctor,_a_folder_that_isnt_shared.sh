# "rpc doctor" says that the caller's directory isn't shared with the worker, or isn't there.
#
# on: users
# use: findings

mkdir other
unshare -m bash -c "$(declare -f findings)"'
  mount -t tmpfs none other
  cd other
  findings rpc doctor $W
  mkdir only
  cd only
  findings rpc doctor $W
'

# stdout:
#| bad directory: "$D/cwd/other" here isn't the worker's "$D/cwd/other" (not a shared volume)
#|  cure: mount the same volume under the same path on both sides, or cd ..., or name one of the worker's (-C DIR, RPC_CHDIR), or set a workdir there ...
#| status 1
#| bad directory: the worker has no "$D/cwd/other/only"
#|  cure: mount the same volume ...
#| status 1
