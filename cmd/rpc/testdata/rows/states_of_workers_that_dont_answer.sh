# rpc ls tells a worker that is down from one that is frozen, and from one that isn't for this user; so does its JSON.
# rpc ps fails where a worker may have calls, and says which.
#
# on: passed
# needs: root

mkdir run run/empty
chmod 755 . run run/empty
export RPC_DIR=$PWD/run
ln -s $W run/w.sock
chmod 600 $W
you() { setpriv --reuid 4242 --regid 4343 --clear-groups "$@"; }
states() { awk '{ print $1, $2 }'; }
rpc ls | states
you rpc ls | states
you rpc ls w
echo $?
you rpc ps 2>&1 | tail -1
kill -STOP $RPCD
wait_for is T $RPCD
rpc ls | states
rpc ls --json | jq -r '.[].state'
rpc ping --json w 2>err | jq -r '.[].state'
rpc ps
echo $?
kill -CONT $RPCD

# stdout:
#| WORKER STATE
#| empty down
#| w up
#| WORKER STATE
#| empty down
#| w denied
#| WORKER  STATE   PROCEDURES
#| w       denied  cannot reach w: permission denied: ...
#| 1
#| rpc: cannot reach w: permission denied: ...
#| WORKER STATE
#| empty down
#| w silent
#| down
#| silent
#| silent
#| WORKER  ID  CALLER  PROCEDURE  AGE  STATE  LABEL
#| 1
# stderr:
#| rpc: cannot reach empty: no socket in "$D/cwd/run/empty" (is the worker up?)
#| rpc: w doesn't answer within 1s (is it frozen?)
