# "rpc doctor" checks each socket of a pool, and notes one that a killed rpcd left beside others that serve.
#
# on: passed
# use: findings

mkdir pool
ln $W pool/a.sock
rpcd serve --listen pool/b.sock --exports $D/ex 2>/dev/null &
wait_for rpc ping ./pool/b.sock >ping
kill -9 $!
wait
rpc doctor ./pool/ | grep 'socket:\|folder:\|connect:\|procedures:'
findings -n rpc doctor ./pool/
rm pool/a.sock
findings rpc doctor ./pool/

# stdout:
#| ok    folder: "./pool/" holds 2 socket(s)
#| ok    socket: "pool/a.sock", ...
#| ok    connect: user ... listens
#| ok    procedures: ...
#| ok    socket: "pool/b.sock", ...
#| note  connect: nobody listens here, others serve: its rpcd was killed
#| note connect: nobody listens here, others serve: its rpcd was killed
#|  cure: rm "pool/b.sock" as ...:... or as uid 0; a new rpcd of that name and user replaces it
#| status 0
#| bad connect: nobody listens: ...
#|  cure: start the worker again, ...
#| status 1
