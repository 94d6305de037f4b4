# A bridge that ends while the call waits in the queue: nothing was started, and --wait tries again.
#
# on: passed
# use: report hop

cat >bridge.sh <<'X'
echo >>calls
if [ -e open ]; then exec socat - UNIX-CONNECT:"$W"; fi
if [ -e once ]; then : >open; fi
head -c 8 >/dev/null
printf '\060\0\0\3\0\0\0\0' # ACCEPTED with BRIDGED and WAITING
X
hop ./hop sh bridge.sh
report ./hop touch ran
rpc ./hop touch ran
echo $?
ls ran 2>/dev/null
: >calls
: >once
rpc --wait 60s ./hop echo ran
wc -l <calls
kill $hop

# stdout:
#| {"outcome":"unreachable","started":false,"status":125,"signal":"","worker":"./hop","call":"",...}
#| 125
#| ran
#| 2
# stderr:
#| rpc: cannot reach ./hop: "./hop" ended the connection before the start (did rpcd or the bridge end? try --wait)
