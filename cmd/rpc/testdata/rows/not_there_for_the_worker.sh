# A directory that the worker doesn't have is refused with 125.
#
# needs: root

mkdir only
unshare -m sh -c 'mount -t tmpfs none only && mkdir only/sub && cd only/sub && rpc $W pwd; echo $?'

# stdout:
#| 125
# stderr:
#| rpc: "$D/cwd/only/sub" here isn't ...
