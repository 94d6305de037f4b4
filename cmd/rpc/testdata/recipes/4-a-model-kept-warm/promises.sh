# shellcheck shell=bash
process() { pgrep -P "$RPCD_0" python; }
busy() { rpc ps ml | grep -q running; }
pid=$(process)
rpc ls -l ml | grep -o '0 restarts' # prints: 0 restarts
mkfifo in

# A caller that leaves, by force or not, costs no process. Nor did the exception.
for signal in TERM KILL; do
  rpc ml mood <in &
  exec 3>in
  wait_for busy
  kill -"$signal" $!
  wait $! || echo "status $?"
  exec 3>&-
done
# prints: status 143
# prints: status 137
echo good | rpc ml mood                # prints: happy
[ "$(process)" = "$pid" ] && echo same # prints: same

# A crash costs its call.
rpc ml mood <in 2>err &
exec 3>in
wait_for busy
kill -KILL "$pid"
wait $! || echo "status $?" # prints: status 125
exec 3>&-
echo good | rpc ml mood            # prints: happy
rpc ls -l ml | grep -o '1 restart' # prints: 1 restart
