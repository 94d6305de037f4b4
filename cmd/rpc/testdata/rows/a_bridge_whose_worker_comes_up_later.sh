# With --wait a call over a bridge waits for the worker behind it: one that isn't up yet, and one that is made anew.
#
# on: passed
# use: hop

hop ./hop sh -c 'echo >>tries; exec socat - UNIX-CONNECT:w.sock'
for which in first next; do
  rm -f tries
  rpc --wait 60s ./hop echo $which &
  call=$!
  wait_for lines tries 2 # it was tried and tries again
  rpcd serve --listen ./w.sock --exports $D/ex 2>/dev/null &
  rpcd=$!
  wait $call
  echo $?
  kill -9 $rpcd
  wait_for gone $rpcd
done
kill $hop

# stdout:
#| first
#| 0
#| next
#| 0
