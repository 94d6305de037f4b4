# With -v rpc says how each stream travels: here --pass lets some be relayed.
#
# on: none

rpc -v $W true </dev/null 2>&1 >f | cat
rpc -v $W true </dev/null 2>>log >>log
cat log
RPC_PASS='' rpc --pass pipes -v $W true </dev/null 2>&1 >f | cat

# stdout:
#| rpc: $W at "$W" in "$D/cwd": stdin relayed (--pass none); stdout relayed (--pass none); stderr relayed (--pass none)
#| rpc: $W at "$W" in "$D/cwd": stdin relayed (--pass none); stdout relayed (--pass none); stderr same as stdout
#| rpc: $W at "$W" in "$D/cwd": stdin passed; stdout relayed (--pass pipes); stderr passed
