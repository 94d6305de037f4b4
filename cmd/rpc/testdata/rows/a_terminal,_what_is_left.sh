# What a procedure leaves behind in its terminal ends with the call, and doesn't delay its status.

rpc -t $W sh -c 'trap "" HUP; sleep 999 & sleep 998 & echo $! >pid; exit 5' </dev/null
echo $?
wait_for gone "$(<pid)" && echo gone
procedure keeper sh
touch "$D/ex/keeper/keep"
rpc -t $W keeper -c 'sleep 999 & echo $! >kept; exit 6' </dev/null
echo $?
sleep 0.3
gone "$(<kept)" || echo kept
kill "$(<kept)"

# stdout:
#| 5
#| gone
#| 6
#| kept
