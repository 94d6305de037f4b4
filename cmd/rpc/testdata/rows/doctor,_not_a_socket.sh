# "rpc doctor" says what a socket's name is instead, and leaves it alone.
#
# on: passed
# use: findings

echo kept >file
findings rpc doctor ./file
mkfifo fifo
findings rpc doctor ./fifo
cat file

# stdout:
#| bad socket: "./file" is a file, no socket
#|  cure: move it away and start the worker: ...
#| status 1
#| bad socket: "./fifo" is a FIFO, no socket
#|  cure: move it away ...
#| status 1
#| kept
