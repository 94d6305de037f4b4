# A shim is a plain call: arguments byte for byte, streams, status, and death by a signal, with RPC_* for options.
#
# on: passed none bridge users

rpc shim "$W" sh cat printf --dir bin >/dev/null
./bin/printf '[%s]' a 'b c' '' '*' $'\xff\n' -- -h | sed 's/\xff/377/'
echo
echo in | ./bin/cat - /dev/null
./bin/sh -c 'echo err >&2; exit 9' 2>&1
echo "status $?"
died ./bin/sh -c 'kill -TERM $$'
RPC_CHDIR=/ ./bin/sh -c pwd
RPC_TIMEOUT=nonsense ./bin/sh -c pwd 2>/dev/null
echo "status $?"
call --shim="$W" ./bin/sh -c 'trap "echo got TERM; exit 3" TERM; echo begun; sleep 60 & wait' >out
wait_for test -s out
kill -TERM $rpc
wait $job
cat out rc

# stdout:
#| [a][b c][][*][377
#| ][--][-h]
#| in
#| err
#| status 9
#| signal 15
#| /
#| status 125
#| begun
#| got TERM
#| 3
