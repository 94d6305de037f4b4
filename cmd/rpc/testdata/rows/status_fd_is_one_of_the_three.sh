# The report can go to stdout or stderr.

rpc --status-fd 1 $W true | grep -c '"outcome":"exited"'
rpc --status-fd 2 $W true 2>&1 | grep -c '"outcome":"exited"'

# stdout:
#| 1
#| 1
