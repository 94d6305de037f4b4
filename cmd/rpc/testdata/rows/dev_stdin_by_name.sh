# A procedure can open its stdin by name.
#
# on: passed none bridge users

echo one | rpc $W cat /dev/stdin
rpc $W cat /dev/stdin < <(echo two)
echo three | rpc $W sh -c 'cat /proc/self/fd/0'

# stdout:
#| one
#| two
#| three
