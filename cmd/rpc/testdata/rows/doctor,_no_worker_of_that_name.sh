# "rpc doctor" shows which workers there are when the name is none of them.
#
# on: passed
# use: findings

mkdir -p run/other
export RPC_DIR=$PWD/run
findings rpc doctor hugin

# stdout:
#| bad folder: "$D/cwd/run" has no hugin/ and no hugin.sock (it has: other)
#|  cure: start the worker (rpcd serve hugin), check its name, or mount the volume ...
#| status 1
