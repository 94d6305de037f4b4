# A file or FIFO that is open for reading and writing can't be relayed: nobody could say which bytes are for whom. Nor can
# the messages of a socket.
#
# on: none

mkfifo fifo
rpc --fd 6 $W true 6<>file
rpc --fd 6 $W true 6<>fifo
perl -MSocket -MPOSIX=dup2 -e 'socket S, AF_UNIX, SOCK_DGRAM, 0; dup2(fileno S, 9); exec "rpc", "--fd", 9, @ARGV' $W true
RPC_PASS='' rpc --pass pipes --fd 6 $W true 6<>file
RPC_PASS='' rpc --pass pipes --fd 6 $W true 6<>fifo

# stdout: nothing
# stderr:
#| rpc: cannot pass descriptor 6: it can't be relayed, since it is open for reading and writing (open it for one)
#| rpc: cannot pass descriptor 6: it can't be relayed, since it is open for reading and writing (open it for one)
#| rpc: cannot pass descriptor 9: its messages can't be relayed (a stream socket's bytes can)
#| rpc: cannot pass descriptor 6: it can't be relayed, since it is open for reading and writing (open it for one)
