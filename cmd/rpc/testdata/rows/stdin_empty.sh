# An empty stdin is empty at the procedure, be it the null device, a pipe or a file.

rpc $W wc -c </dev/null
: | rpc $W wc -c
: >e
rpc $W wc -c <e

# stdout:
#| 0
#| 0
#| 0
