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
#| bad   directory: the directory here has no name (was it removed?)
#|       cure: cd to another
#| 1
