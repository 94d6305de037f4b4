# A FIFO works as stdin.

mkfifo f
echo hi >f &
rpc $W cat <f

# stdout:
#| hi
