# "rpc doctor" says that the caller's directory was removed.
#
# on: passed
# use: findings

mkdir gone
cd gone
rmdir ../gone
rpc doctor $W | grep -A1 ^bad
echo ${PIPESTATUS[0]}

# stdout:
#| bad   directory: the directory here was removed
#|       cure: cd to another, or name one by an absolute -C DIR
#| 1
