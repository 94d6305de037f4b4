# A bridge with nobody behind it is unreachable, and nothing was started: over one hop, over two, and with --wait.
#
# on: bridge
# use: report
# ends: rpcd

socat UNIX-LISTEN:$PWD/hop,fork UNIX-CONNECT:$PWD/none 2>/dev/null &
hop=$!
wait_for listens $PWD/hop
kill -9 $RPCD
wait_for gone $RPCD
for worker in ./hop $W; do
  report $worker true
  report --wait 0.3s $worker true
  rpc $worker true
  echo $?
  rpc ping $worker
  echo $?
done
kill $hop

# stdout:
#| {"outcome":"unreachable","started":false,"status":125,"signal":"","worker":"./hop","call":"",...}
#| {"outcome":"unreachable","started":false,"status":125,"signal":"","worker":"./hop","call":"",...}
#| 125
#| 1
#| {"outcome":"unreachable","started":false,"status":125,"signal":"","worker":"$W","call":"",...}
#| {"outcome":"unreachable","started":false,"status":125,"signal":"","worker":"$W","call":"",...}
#| 125
#| 1
# stderr:
#| rpc: cannot reach ./hop: "./hop" accepts and closes (a bridge with nobody behind it? is the worker up? try --wait)
#| rpc: cannot reach ./hop: "./hop" accepts and closes (a bridge with nobody behind it? is the worker up? try --wait)
#| rpc: cannot reach $W: "$W" accepts and closes (a bridge with nobody behind it? is the worker up? try --wait)
#| rpc: cannot reach $W: "$W" accepts and closes (a bridge with nobody behind it? is the worker up? try --wait)
