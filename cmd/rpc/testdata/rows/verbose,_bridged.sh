# With -v rpc says how each stream travels: here all are relayed over a bridge. A second line says what differs for this
# call from one on the same host.
#
# on: bridge

rpc -v $W true </dev/null 2>&1 >f | cat
echo x | rpc -v $W cat 2>&1 | cat
rpc -v $W true </dev/null 2>>log >>log
cat log

# stdout:
#| rpc: $W at "$W" in "$D/cwd": stdin relayed (bridged); stdout relayed (bridged); stderr relayed (bridged)
#| rpc: bridged: "$D/cwd" may be another directory of that name; the worker sees the bridge's user; stdout is a pipe there, no file
#| rpc: $W at "$W" in "$D/cwd": stdin relayed (bridged); stdout relayed (bridged); stderr same as stdout
#| rpc: bridged: "$D/cwd" may be another directory of that name; the worker sees the bridge's user; stdin is read up to 64 KiB ahead (-n: not at all)
#| x
#| rpc: $W at "$W" in "$D/cwd": stdin relayed (bridged); stdout relayed (bridged); stderr same as stdout
#| rpc: bridged: "$D/cwd" may be another directory of that name; the worker sees the bridge's user; stdout is a pipe there, no file; stderr is a pipe there, no file
