# A call in a loop doesn't eat the list that the loop reads, when it is a file.

printf '%s\n' a b c >list
while read -r f; do rpc $W echo $f; done <list

# stdout:
#| a
#| b
#| c
