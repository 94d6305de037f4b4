# "rpc doctor" takes a connection that ends at once for a bridge with nothing behind it.
#
# on: bridge
# use: findings

socat UNIX-LISTEN:$PWD/drops,fork UNIX-CONNECT:./none 2>/dev/null &
wait_for listens $PWD/drops
findings rpc doctor ./drops
kill $!

# stdout:
#| bad answer: accepts, and ends the connection at once: a bridge with nothing behind it?
#|  cure: both ends of the bridge, and rpcd at the far end, have to be up; here: socat UNIX-LISTEN:"./drops",fork TCP:HOST:PORT; there: ...
#| status 1
