# RPC_ENV names the variables that cross, and -e wins over the value that they have.

procedure p sh
echo 'F*' >$D/ex/p/env
export FOO=1 FAA=2 RPC_ENV=FOO,FAA
rpc $W p -c 'echo $FOO $FAA'
rpc -e FOO=3 $W p -c 'echo $FOO $FAA'
rpc $W sh -c : 2>/dev/null
echo $?

# stdout:
#| 1 2
#| 3 2
#| 126
