# A passed socket can't be opened by name, as locally: ENXIO.
#
# on: passed
# fault: 40

printf 'a\n' | socat -t 5 - EXEC:"rpc $W cat /dev/stdin" 2>&1 | grep -o 'No such.*'
printf 'a\n' | socat -t 5 - EXEC:"cat /dev/stdin" 2>&1 | grep -o 'No such.*'

# stdout:
#| No such device or address
#| No such device or address
