# Of two values for one variable the last wins, over the env file's own, too.
#
# fault: 68 moby-environment

procedure p sh
printf 'FOO=set\nFOO\n' >$D/ex/p/env
rpc $W p -c 'echo $FOO'
rpc -e FOO=1 -e FOO=2 $W p -c 'echo $FOO'
rpc -e FOO=1 -e FOO=2 $W p -c 'env | grep -c ^FOO' 2>/dev/null

# stdout:
#| set
#| 2
#| 1
