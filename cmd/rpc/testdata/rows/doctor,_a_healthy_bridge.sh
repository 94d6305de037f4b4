# "rpc doctor" notes that descriptors don't arrive over a bridge, and that directories go by name there.
#
# on: bridge
# use: findings

findings -n rpc doctor $W
RPC_CHDIR=/ rpc doctor $W | grep '^ok.*directory'
rpc doctor $W | grep '^ok.*directory'

# stdout:
#| note descriptors: they don't arrive (a bridge ...
#| status 0
#| ok    directory: the worker has a "/" (calls go by name)
#| ok    directory: the worker has a "$D/cwd" (calls go by name)
