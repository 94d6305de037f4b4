# "rpc doctor" says that a name can't be a worker's, and notes a worker that is called as a verb.
#
# on: passed
# use: findings

findings rpc doctor ..
rpc doctor
echo $?
mkdir -p run/ls
export RPC_DIR=$PWD/run
ln $W run/ls/
findings -n rpc doctor ls

# stdout:
#| bad name: cannot call the worker "..": ...
#|  cure: a worker is a name (rpc ls shows them)...
#| status 1
#| 2
#| note name: ls is a verb of rpc, too: call it by rpc call ls ...
#| status 0
# stderr:
#| rpc: wrong number of words: rpc doctor [-C DIR] WORKER (see rpc doctor --help)
