# What a procedure leaves running is ended though its output isn't taken yet, and all of that output still arrives.
#
# on: none bridge
# serve: --grace 1s
# fault: 26

mkfifo out
exec 9<>out
rpc $W sh -c 'trap "" TERM; sleep 99 & echo $! >pid.; mv pid. pid; head -c 700000 /dev/zero' >out &
wait_for test -s pid
wait_for gone $(<pid) && echo gone
head -c 700000 <&9 | wc -c
wait $!
echo $?

# stdout:
#| gone
#| 700000
#| 0
