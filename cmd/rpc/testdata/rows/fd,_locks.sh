# A descriptor that is passed is the caller's open file: a lock that the procedure takes by it is the caller's, and stays.
#
# on: passed users

ln -s "$(type -P flock)" "$D/ex/"
exec 9>lock
rpc --fd 9 $W flock -n 9
echo $?
flock -n lock true || echo "it is locked here"
rpc $W flock -n lock true || echo "it is locked there"
rpc --fd 9 $W flock -n 9 && echo "its owner has it"
exec 9>&-
flock -n lock echo free

# stdout:
#| 0
#| it is locked here
#| it is locked there
#| its owner has it
#| free
