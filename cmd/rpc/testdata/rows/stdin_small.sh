# A few bytes of stdin arrive.
#
# on: passed none bridge users

printf 'b\na\n' | rpc $W sort

# stdout:
#| a
#| b
