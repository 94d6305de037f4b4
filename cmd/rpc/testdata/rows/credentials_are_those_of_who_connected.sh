# A bridge's calls have the credentials of the bridge, not those of the caller behind it.
#
# on: passed
# needs: root
# fault: 58

procedure mine sh
echo 'uid 0' >$D/ex/mine/allow
procedure theirs sh
echo 'uid 4242' >$D/ex/theirs/allow
chmod 666 $W
mkdir $D/b
chmod 777 $D/b
setpriv --reuid 4242 --regid 4343 --clear-groups socat UNIX-LISTEN:$D/b/b.sock,fork UNIX-CONNECT:$W 3>&- &
wait_for listens $D/b/b.sock
for s in $W $D/b/b.sock; do
  for p in mine theirs; do
    rpc -C / $s $p -c 'echo $RPC_CALLER_UID $RPC_CALLER_GID' 2>/dev/null
    echo $?
  done
done
kill $!

# stdout:
#| 0 0
#| 0
#| 126
#| 126
#| 4242 4343
#| 0
