# "rpc doctor" names each variable that no call can use, and is quiet about good ones.
#
# on: passed
# use: findings
# status: 1
# fault: 109

RPC_PASS=pipe findings rpc doctor $W
RPC_TIMEOUT=1h30m findings rpc doctor $W
RPC_ENV='=x' findings rpc doctor $W
RPC_SERVER_UID=x findings rpc doctor $W | head -1
RPC_TIMEOUT=90m RPC_PASS=pipes rpc doctor $W | grep -c variables

# stdout:
#| bad variables: cannot use --pass "pipe": write all, pipes or none
#|  cure: correct or unset it ...
#| status 1
#| bad variables: cannot use RPC_TIMEOUT="1h30m": ...
#|  cure: ...
#| status 1
#| bad variables: cannot use --env "=x": write NAME or NAME=VALUE
#|  cure: ...
#| status 1
#| bad variables: cannot use --server-uid "x": write the number of a user
#| 0
