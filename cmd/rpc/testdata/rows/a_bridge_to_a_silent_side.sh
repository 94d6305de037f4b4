# Where nobody answers behind a bridge --wait bounds the silence, and nothing was started: a worker holds a call that may
# be tried again until its caller confirms it.
#
# on: passed
# use: report

perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) && bind(S, pack_sockaddr_un(shift)) && listen(S, 9) && sleep 99' $PWD/silent &
silent=$!
wait_for listens $PWD/silent
report --wait 0.1s ./silent true
rpc --wait 0.1s ./silent true
echo $?
kill $silent

# stdout:
#| {"outcome":"unreachable","started":false,"status":125,"signal":"","worker":"./silent","call":"",...}
#| 125
# stderr:
#| rpc: cannot reach ./silent: "./silent" accepts and says nothing (is the worker frozen, or gone from behind a bridge?)
