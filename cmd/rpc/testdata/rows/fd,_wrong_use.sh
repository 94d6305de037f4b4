# A descriptor that can't cross is one line and 125, and nothing is started. One of the caller's directories is none.
#
# on: passed none bridge
# status: 125

try() {
  rpc --status-fd 8 "$@" 8>status
  echo "$? $(jq -c '[.outcome, .started]' status)"
}
for n in -1 '' 3x 4294967296; do rpc --fd "$n" $W true; done
try --fd 9 $W true
try --fd 253 $W true 253</dev/null
try $W cat /dev/fd/253 253</dev/null
try --fd 6 $W true 6</
try $W cat /dev/fd/6 6<.
try --fd 8 $W true
try $W tee /dev/fd/8
rpc map --fd 3 $W true 3</dev/null </dev/null

# stdout:
#| 125 ["usage",false]
#| 125 ["usage",false]
#| 125 ["usage",false]
#| 125 ["usage",false]
#| 125 ["usage",false]
#| 125 ["usage",false]
#| 125 ["usage",false]
# stderr:
#| rpc: cannot use --fd "-1": write a descriptor's number
#| rpc: cannot use --fd "": write a descriptor's number
#| rpc: cannot use --fd "3x": write a descriptor's number
#| rpc: cannot use --fd "4294967296": write a descriptor's number
#| rpc: cannot use --fd 9: that descriptor isn't open
#| rpc: cannot use --fd 253: 252 is the highest number that crosses (open it under another: 9<&253)
#| rpc: cannot pass "/dev/fd/253": 252 is the highest number that crosses (open it under another: 9<&253)
#| rpc: cannot pass descriptor 6: it is a directory
#| rpc: cannot pass descriptor 6: it is a directory
#| rpc: cannot use --fd 8: that descriptor is --status-fd's
#| rpc: cannot pass "/dev/fd/8": that descriptor is --status-fd's
#| rpc: unknown option "--fd" (see rpc map --help)
