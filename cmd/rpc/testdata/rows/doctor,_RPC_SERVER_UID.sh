# "rpc doctor" says that another user listens than RPC_SERVER_UID expects.
#
# on: passed
# use: findings

RPC_SERVER_UID=4294967294 findings rpc doctor $W
RPC_SERVER_UID=me rpc doctor $W >/dev/null
echo $?
RPC_SERVER_UID=$UID rpc doctor $W | grep -c '^ok .*RPC_SERVER_UID'

# stdout:
#| bad RPC_SERVER_UID: user ... listens, RPC_SERVER_UID says 4294967294: calls are refused
#|  cure: RPC_SERVER_UID=... if that is the worker's user ...; else a stranger sits on the socket
#| status 1
#| 1
#| 1
