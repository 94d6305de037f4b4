# "rpc doctor" notes that descriptors don't arrive over a bridge, and that a directory there may be another machine's.
#
# on: bridge
# use: findings

findings -n rpc doctor $W
RPC_CHDIR=/ rpc doctor $W | grep '^ok.*directory'

# stdout:
#| note descriptors: they don't arrive (a bridge ...
#| note directory: "$D/cwd" there is another machine's, unless it is shared (calls go by name)
#| status 0
#| ok    directory: the worker has a "/" (calls go by name)
