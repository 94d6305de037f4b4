# "rpc doctor" says that RPC_DIR can't be listed, and doesn't call it empty.
#
# on: passed
# use: findings
# needs: root

mkdir run
chmod 711 run
export RPC_DIR=$PWD/run
findings setpriv --reuid 4242 --regid 4343 --clear-groups rpc doctor hugin

# stdout:
#| bad folder: "$D/cwd/run" has no hugin/ and no hugin.sock (it can't be listed: permission denied)
#|  cure: start the worker (rpcd serve hugin), check its name, or mount the volume ...
#| status 1
