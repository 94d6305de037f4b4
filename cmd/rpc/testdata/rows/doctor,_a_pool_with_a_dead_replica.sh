# "rpc doctor" checks each socket of a pool and names the dead one.
#
# on: passed
# use: findings

mkdir pool
ln -s $W pool/a.sock
rpcd serve --listen pool/b.sock --exports $D/ex 2>/dev/null &
wait_for rpc ping ./pool/b.sock >ping
kill -9 $!
wait
rpc doctor ./pool/ | grep 'socket:\|folder:\|connect:\|procedures:'
findings rpc doctor ./pool/

# stdout:
#| ok    folder: "./pool/" holds 2 socket(s)
#| ok    socket: "pool/a.sock", ...
#| ok    connect: user ... listens
#| ok    procedures: ...
#| ok    socket: "pool/b.sock", ...
#| bad   connect: nobody listens: ...
#| bad connect: nobody listens: ...
#|  cure: start the worker again, ...
#| status 1
