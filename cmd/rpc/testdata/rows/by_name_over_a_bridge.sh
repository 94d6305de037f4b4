# Behind a bridge directories go by name alone.
#
# on: bridge
# needs: root

mkdir same other
: >same/theirs
unshare -m sh -c 'mount --bind other same && cd same && rpc $W ls'

# stdout:
#| theirs
