# A call from a directory that has no way from the root says so.
#
# needs: root
# fault: 66

mkdir m
mount -t tmpfs none m
cd m
umount -l $D/cwd/m
rpc $W pwd
echo $?
rpc -C sub $W pwd
echo $?
rpc -C / $W pwd

# stdout:
#| 125
#| 125
#| /
# stderr:
#| rpc: cannot call $W from here: the directory here can't be reached from the root (cd to another, or give -C DIR)
#| rpc: cannot call $W in "sub": the directory here can't be reached from the root (give an absolute one)
