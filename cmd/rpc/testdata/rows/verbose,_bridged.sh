# With -v rpc says how each stream travels: here all are relayed over a bridge.
#
# on: bridge

rpc -v $W true </dev/null 2>&1 >f | cat
rpc -v $W true </dev/null 2>>log >>log
cat log

# stdout:
#| rpc: $W at "$W" in "$D/cwd": stdin relayed (bridged); stdout relayed (bridged); stderr relayed (bridged)
#| rpc: $W at "$W" in "$D/cwd": stdin relayed (bridged); stdout relayed (bridged); stderr same as stdout
