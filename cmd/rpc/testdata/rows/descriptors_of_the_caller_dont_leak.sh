# A procedure gets the three standard streams and none of the caller's other descriptors.

exec 5</dev/null 6>out
rpc $W ls /proc/self/fd

# stdout:
#| 0
#| 1
#| 2
#| 3
