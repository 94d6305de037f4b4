# A procedure that succeeds gives rpc the status 0.

rpc $W true
echo $?

# stdout:
#| 0
