# "rpc doctor" says that a worker's folder holds no socket.
#
# on: passed
# use: findings

mkdir -p run/w x.sock
RPC_DIR=$PWD/run findings rpc doctor w
findings rpc doctor ./x.sock

# stdout:
#| bad folder: no socket in "$D/cwd/run/w": ...
#|  cure: start it (docker logs says why it isn't up); if it is up, mount the volume that w's rpcd listens in ...
#| status 1
#| bad folder: no socket in "./x.sock"
#|  cure: start a worker there: ...; where a socket was bind-mounted, ...: mount the folder of the socket instead
#| status 1
