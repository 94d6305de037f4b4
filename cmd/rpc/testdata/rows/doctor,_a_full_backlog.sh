# "rpc doctor" says that a worker accepts no connection when its backlog is full.
#
# on: passed
# use: findings

perl -MSocket -e '
  socket(S, AF_UNIX, SOCK_STREAM, 0) && bind(S, pack_sockaddr_un("full")) && listen(S, 0);
  socket(C, AF_UNIX, SOCK_STREAM, 0) && connect(C, pack_sockaddr_un("full")) && open(F, ">up");
  sleep 99
' &
wait_for test -e up
findings rpc doctor ./full
kill $!

# stdout:
#| bad connect: the queue of connections is full: the worker accepts none
#|  cure: it is frozen or starved: docker unpause, kill -CONT, or restart it
#| status 1
