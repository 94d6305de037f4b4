# "rpc doctor" finds a healthy worker healthy, line by line.
#
# on: passed

mkdir run
ln -s $W run/w.sock
RPC_DIR=$PWD/run rpc doctor w
echo $?

# stdout:
#| ok    name: w is looked for in "$D/cwd/run"
#| ok    socket: "$D/cwd/run/w.sock", ...:... 0660
#| ok    connect: user ... listens
#| ok    answer: rpcd ..., in ... ms
#| ok    state: up
#| ok    places: 0 of 1024 calls run
#| ok    user: the worker sees you as ...:...
#| ok    files: calls run as ...:...
#| ok    descriptors: they arrive: streams are passed
#| ok    directory: "$D/cwd" is the same there
#| ok    procedures: ...: bash cat cksum dd echo env false head ...
#| 0
