# A procedure that isn't exported is refused with 127, and the error names those that are.
#
# fault: 52

rm $D/ex/*
ln -s $(command -v sort) $D/ex/sort
rpc $W rm -rf /
echo $?

# stdout:
#| 127
# stderr:
#| rpc: $W has no procedure "rm" (it has: sort)
