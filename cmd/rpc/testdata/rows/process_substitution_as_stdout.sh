# Bash's >(...) works as stdout.
#
# on: passed none bridge users

rpc $W echo one > >(cat >f)
wait_for test -s f
cat f

# stdout:
#| one
