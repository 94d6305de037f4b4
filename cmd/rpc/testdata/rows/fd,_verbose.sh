# With -v rpc says how each descriptor crosses, those beyond 2 by their numbers.
#
# on: passed

rpc -v --fd 9 --fd 4 --fd 5 $W true 9>lock 4>&1 5</dev/null 2>&1 </dev/null | cat
rpc -v $W cat /dev/fd/7 7<<<text 2>&1 </dev/null | cat

# stdout:
#| rpc: $W at "$W" in "$D/cwd": stdin passed; stdout passed; stderr same as stdout; descriptor 4 same as stdout; descriptor 5 null; descriptor 9 passed
#| rpc: $W at "$W" in "$D/cwd": stdin passed; stdout passed; stderr same as stdout; descriptor 7 passed
#| text
