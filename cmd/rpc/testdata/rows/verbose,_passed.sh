# With -v rpc says how each stream travels: here all are passed.
#
# on: passed

rpc -v $W sh -c 'echo ran >&2' </dev/null 2>&1 >f | cat
rpc -v $W true 2>&1 | cat

# stdout:
#| rpc: $W at "$W" in "$D/cwd": stdin passed; stdout passed; stderr passed
#| ran
#| rpc: $W at "$W" in "$D/cwd": stdin passed; stdout passed; stderr same as stdout
