# A call in a loop doesn't eat the list that the loop reads, when it is a passed pipe.
#
# on: passed users

printf '%s\n' a b c | while read -r f; do rpc $W echo $f; done

# stdout:
#| a
#| b
#| c
