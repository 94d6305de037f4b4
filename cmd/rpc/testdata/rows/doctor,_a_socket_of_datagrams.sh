# "rpc doctor" says that a socket of datagrams isn't rpcd's.
#
# on: passed
# use: findings

perl -MSocket -e 'socket(S, AF_UNIX, SOCK_DGRAM, 0) && bind(S, pack_sockaddr_un("d")) && sleep 99' &
wait_for test -S d
findings rpc doctor ./d
kill $!

# stdout:
#| bad connect: a socket of another kind (datagrams), not rpcd's
#|  cure: name the socket that rpcd listens on ...
#| status 1
