# Bash's <(...) works as stdin.
#
# on: passed none bridge users

rpc $W cat < <(echo one && echo two)

# stdout:
#| one
#| two
