# "rpc doctor" says how many calls run and wait when the worker is full.
#
# on: passed
# serve: --max-calls 1
# serve: --queue 1
# use: findings

hold() { rpc $W sh -c ': >up; while [ ! -e go ]; do sleep 0.02; done'; }
hold &
wait_for test -e up
findings rpc doctor $W
rpc $W true &
wait_for sh -c 'rpc ps $W | grep -q waiting'
findings rpc doctor $W
: >go
wait

# stdout:
#| bad places: busy: 1 of 1 calls run: the next one waits behind 0 others
#|  cure: see what runs (rpc ps $W; ...), or raise --max-calls; a pipeline of several calls to $W needs a place for each
#| status 1
#| bad places: busy: 1 of 1 calls run, and 1 of 1 wait: the next one is refused
#|  cure: rpc --wait 30s $W ..., or see what runs (rpc ps $W), or raise --max-calls and --queue
#| status 1
