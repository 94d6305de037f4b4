# A --status-fd that isn't open is refused before anything runs.

rpc --status-fd 9 $W echo ran 9>&-
echo $?

# stdout:
#| 125
# stderr:
#| rpc: ...9...
