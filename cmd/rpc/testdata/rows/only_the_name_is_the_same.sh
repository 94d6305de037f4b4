# A directory of the same name that is another one is refused: only a shared one will do.
#
# on: passed none
# needs: root

mkdir same other
unshare -m sh -c 'mount --bind other same && cd same && pwd && rpc $W pwd; echo $?; cd ../other && rpc $W pwd'

# stdout:
#| $D/cwd/same
#| 125
#| $D/cwd/other
# stderr:
#| rpc: "$D/cwd/same" here isn't $W's "$D/cwd/same" (not a shared volume): cd to one, or give -C DIR
