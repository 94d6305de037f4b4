# "rpc doctor" says that what answers isn't an rpcd.
#
# on: bridge
# use: findings

socat UNIX-LISTEN:$PWD/http,fork SYSTEM:'echo HTTP/1.1 400 Bad Request; cat >/dev/null' &
a=$!
socat UNIX-LISTEN:$PWD/echo,fork EXEC:cat &
wait_for listens $PWD/http $PWD/echo
findings rpc doctor ./http
findings rpc doctor ./echo
kill $a $!

# stdout:
#| bad answer: this isn't an rpcd: ...
#|  cure: name the socket that rpcd listens on (its log says "serving"); something else listens here
#| status 1
#| bad answer: this isn't an rpcd: ...
#|  cure: name the socket ...
#| status 1
