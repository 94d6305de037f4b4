# shellcheck shell=bash
# A job that is cancelled takes along what its tests have started, by TERM and by KILL.
for signal in TERM KILL; do
  rm -f sleeper
  setsid bash -c 'rpc build make -s forever 2>/dev/null; :' &
  wait_for test -s sleeper
  kill -"$signal" -- -$!
  wait $! || true
  wait_for gone "$(<sleeper)"
done

# The streams stay apart.
rpc build make nosuch >/dev/null 2>err || grep -c 'No rule' err # prints: 1
