# "rpc doctor" says that the worker is draining.
#
# on: passed
# serve: --drain 30s
# use: findings
# ends: rpcd

rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done' &
wait_for test -e up
kill -TERM $RPCD
wait_for sh -c '! rpc ping $W >ping'
findings rpc doctor $W
: >go
wait

# stdout:
#| bad state: draining: new calls are refused
#|  cure: wait until it is back (rpc --wait 30s $W ...); rpc ps $W shows what it still runs
#| status 1
