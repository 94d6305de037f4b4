# A socket works as stdin and stdout.

printf 'b\na\n' | socat -t 5 - EXEC:"rpc $W sort"

# stdout:
#| a
#| b
