# The error names the env file that is there and doesn't admit the variable.
#
# status: 126

procedure p sh
: >$D/ex/p/env
rpc -e FOO=1 $W p -c 'echo ran'

# stdout: nothing
# stderr:
#| rpc: $W doesn't admit the variable "FOO" for "p"...$D/ex/p/env...
