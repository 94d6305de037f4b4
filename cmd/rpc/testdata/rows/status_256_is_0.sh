# A status is the low byte of what a procedure exits with, as in any shell. Perl isn't exported, so that its call is
# 127.
#
# fault: 51

rpc $W perl -e 'exit 256'
echo $?
rpc $W bash -c 'exit 256'
echo $?

# stdout:
#| 127
#| 0
# stderr:
#| rpc: $W has no procedure "perl" (it has: ...
