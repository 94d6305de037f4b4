# A socket works as stdin and stdout.
#
# fault: 40

printf 'b\na\n' | socat -t 5 - EXEC:"rpc $W sort"

# stdout:
#| a
#| b
