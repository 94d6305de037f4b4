# "rpc doctor" names the volume to mount when the folder of sockets isn't there.
#
# on: passed
# use: findings

RPC_DIR=/no/such findings rpc doctor hugin
findings rpc doctor ./no/w.sock

# stdout:
#| bad RPC_DIR: "/no/such" does not exist
#|  cure: mount the volume that hugin's rpcd listens in (compose: volumes: ["hugin-socket:/run/rpc/hugin:ro"]; ...), or set RPC_DIR
#| status 1
#| bad folder: cannot reach ./no/w.sock: ... does not exist
#|  cure: start a worker there (rpcd serve --listen "./no/w.sock"), or mount the volume ...
#| status 1
