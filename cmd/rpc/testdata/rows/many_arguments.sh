# 20000 arguments arrive.

set -- $(seq 20000)
rpc $W sh -c 'echo $# ${20000}' sh "$@"

# stdout:
#| 20000 20000
