# "rpc doctor" asks for the rights of the caller under --run-as caller, and starts in the workdir where those don't do.
#
# on: users
# use: findings

chmod 755 .
mkdir -m 700 mine theirs
chown 4242:4343 mine
here=$PWD
rpcd serve --listen ./own.sock --exports $D/ex --mode 0666 --run-as caller 2>/dev/null &
own=$!
rpcd serve --listen ./else.sock --exports $D/ex --mode 0666 --run-as caller --workdir / 2>/dev/null &
else=$!
wait_for rpc ping ./own.sock >ping
wait_for rpc ping ./else.sock >ping
as() { setpriv --reuid 4242 --regid 4343 --clear-groups "$@"; }
cd mine
findings as rpc doctor $here/own.sock
cd ../theirs
findings as rpc doctor -C $here/theirs $here/own.sock
as rpc -C $here/theirs $here/own.sock true
echo $?
findings as rpc doctor $here/own.sock | head -1
findings -n as rpc doctor $here/else.sock | grep directory
as rpc $here/else.sock pwd
kill $own $else
wait

# stdout:
#| status 0
#| bad directory: 4242:4343 can't enter "$D/cwd/theirs" (0:0 0700)
#|  cure: let that user in ...
#| status 1
#| 125
#| bad directory: 4242:4343 can't enter "$D/cwd/theirs" (0:0 0700)
#| note directory: "$D/cwd/theirs" isn't shared: ...
#| /
# stderr:
#| rpc: ...
