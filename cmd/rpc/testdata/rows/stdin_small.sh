# A few bytes of stdin arrive.
#
# on: passed none bridge users
# fault: 30

printf 'b\na\n' | rpc $W sort

# stdout:
#| a
#| b
