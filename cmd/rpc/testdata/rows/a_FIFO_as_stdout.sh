# A FIFO works as stdout.

mkfifo f
cat f &
rpc $W echo hi >f
wait

# stdout:
#| hi
