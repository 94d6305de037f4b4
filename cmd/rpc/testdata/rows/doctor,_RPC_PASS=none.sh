# "rpc doctor" notes that RPC_PASS=none keeps streams from being passed.
#
# on: none
# use: findings

findings -n rpc doctor $W

# stdout:
#| note descriptors: they arrive, but RPC_PASS=none ...
#| status 0
