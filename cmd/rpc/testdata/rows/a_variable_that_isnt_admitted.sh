# A variable that no env file admits is refused with 126, and the error names that file.

rpc -e FOO=1 $W env
echo $?
FOO=1 rpc -e FOO $W env
echo $?

# stdout:
#| 126
#| 126
# stderr:
#| rpc: $W doesn't admit the variable "FOO" for "env"...$D/ex/env...
#| rpc: $W doesn't admit the variable "FOO" for "env"...
