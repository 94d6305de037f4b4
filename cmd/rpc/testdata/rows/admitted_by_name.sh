# A variable that the env file names crosses: with its value, with an empty one, or not at all where it is unset.

procedure p sh
echo FOO >$D/ex/p/env
rpc -e FOO=1 $W p -c 'echo $FOO'
FOO=2 rpc -e FOO $W p -c 'echo $FOO'
rpc -e FOO= $W p -c 'echo "<${FOO-unset}>"'
rpc --env 'FOO=a=b c' $W p -c 'echo $FOO'
unset FOO
rpc -e FOO $W p -c 'echo "<${FOO-unset}>"'

# stdout:
#| 1
#| 2
#| <>
#| a=b c
#| <unset>
