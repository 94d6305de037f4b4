# A procedure can open its stdout by name.
#
# on: passed none bridge users

rpc $W sh -c 'echo one >/dev/stdout; echo two >/proc/self/fd/1' | cat
rpc $W sh -c 'echo three | tee /dev/stdout' | cat

# stdout:
#| one
#| two
#| three
#| three
