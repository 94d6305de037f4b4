# A procedure can open its stderr by name.
#
# on: passed none bridge users

rpc $W sh -c 'echo one >/dev/stderr' 2>&1 | cat
{ rpc $W sh -c 'echo two | tee /dev/stderr >/dev/null' 2>&1 >&3 | cat; } 3>/dev/null

# stdout:
#| one
#| two
