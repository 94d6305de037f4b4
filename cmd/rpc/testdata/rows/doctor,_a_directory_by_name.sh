# "rpc doctor" checks the directory that -C or RPC_CHDIR names.
#
# on: passed bridge
# use: findings

findings rpc doctor -C /no/such $W
RPC_CHDIR=/no/such findings rpc doctor $W
RPC_CHDIR=/no/such findings rpc doctor -C / $W

# stdout:
#| bad directory: the worker has no "/no/such"
#|  cure: mount the same volume ...
#| status 1
#| bad directory: the worker has no "/no/such"
#|  cure: mount the same volume ...
#| status 1
#| status 0
