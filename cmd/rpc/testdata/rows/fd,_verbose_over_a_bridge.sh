# With -v rpc says how each descriptor crosses a bridge, and what differs for those beyond 2.
#
# on: bridge

rpc -v --fd 9 $W cat /dev/fd/7 9>lock 7< <(echo text) 2>&1 </dev/null | cat

# stdout:
#| rpc: $W at "$W" in "$D/cwd": stdin relayed (bridged); stdout relayed (bridged); stderr same as stdout; descriptor 7 relayed (bridged); descriptor 9 relayed (bridged)
#| rpc: bridged: "$D/cwd" may be another directory of that name; the worker sees the bridge's user; descriptor 7 is read up to 64 KiB ahead; descriptor 9 is a pipe there, no file
#| text
