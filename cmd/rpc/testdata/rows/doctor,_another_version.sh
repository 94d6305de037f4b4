# "rpc doctor" says that the worker speaks another version.
#
# on: bridge
# use: findings

printf '\062\0\0\0\0\0\0\036\0\1\0\0\0\2\0\011\0\2\0\0\0\020speaks version 9' >answer
socat UNIX-LISTEN:$PWD/newer,fork SYSTEM:'cat answer; cat >/dev/null' &
wait_for listens $PWD/newer
findings rpc doctor ./newer
kill $!

# stdout:
#| bad answer: ./newer speaks version 9
#|  cure: use rpc and rpcd of one release (...; this is rpc ...)
#| status 1
