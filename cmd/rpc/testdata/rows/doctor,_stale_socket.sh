# "rpc doctor" says that nobody listens on a socket that a killed daemon left.
#
# on: passed
# use: findings
# ends: rpcd

kill -9 $RPCD
wait_for test ! -e /proc/$RPCD # the last thread of a process that is gone may still hold the socket
findings rpc doctor $W

# stdout:
#| bad connect: nobody listens: ...
#|  cure: start the worker again, it replaces the socket ...; mount the socket's folder, not the socket
#| status 1
