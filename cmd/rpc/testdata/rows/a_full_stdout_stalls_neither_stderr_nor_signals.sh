# A stdout that nobody reads holds up neither stderr nor a signal.
#
# fault: 26 47

set -m
mkfifo f
exec 3<>f
rpc $W sh -c 'trap "echo trapped >&2; exit 9" TERM; cat /dev/zero & echo up >&2; wait' >&3 2>e &
p=$!
wait_for grep -q up e
sleep 0.2
kill -TERM $p
wait_for grep -q trapped e
cat <&3 >/dev/null &
c=$!
wait $p
echo $?
kill $c
cat e

# stdout:
#| 9
#| up
#| trapped
