# A procedure whose passed stdout is on a full disk sees ENOSPC itself.
#
# on: passed
# needs: root
# fault: 44

mkdir full
unshare -m sh -c 'mount -t tmpfs -o size=64k none full && rpc $W yes >full/f; echo $?; stat -c %s full/f'

# stdout:
#| 1
#| 65536
# stderr:
#| ...No space left on device
