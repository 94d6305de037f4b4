# "rpc doctor" says that a user namespace lies between caller and worker.
#
# on: users
# use: findings

unshare -U --map-root-user rpcd serve --listen ./ns.sock --exports $D/ex --mode 0666 2>/dev/null &
wait_for rpc ping ./ns.sock >ping
chmod 755 .
findings setpriv --reuid 4242 --regid 4343 --clear-groups rpc doctor ./ns.sock
kill $!
wait
rpcd serve --listen ./own.sock --exports $D/ex --mode 0666 2>/dev/null &
wait_for rpc ping ./own.sock >ping
findings -n unshare -U rpc doctor ./own.sock
kill $!
wait

# stdout:
#| bad user: the worker sees you as 65534:65534: its user namespace doesn't know 4242:4343; no rule by uid or gid admits you, and rpc ps shows you nothing
#|  cure: run both sides in one user namespace ...
#| status 1
#| note user: the worker sees you as 0:0, here you are 65534:65534...: a user namespace lies between
#| status 0
