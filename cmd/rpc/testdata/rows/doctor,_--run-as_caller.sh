# "rpc doctor" shows that calls run as the caller under --run-as caller.
#
# on: users
# use: findings

chmod 777 .
rpcd serve --listen ./own.sock --exports $D/ex --mode 0666 --run-as caller 2>/dev/null &
wait_for rpc ping ./own.sock >ping
findings -n setpriv --reuid 4242 --regid 4343 --clear-groups rpc doctor ./own.sock
grep files: found
kill $!
wait

# stdout:
#| status 0
#| ok    files: calls run as 4242:4343
