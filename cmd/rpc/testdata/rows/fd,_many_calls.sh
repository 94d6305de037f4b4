# Calls at once have their own descriptors, each by its number, and none of another call's. The daemon keeps none.
#
# on: passed none bridge users

mkfifo go
exec 3<>go
for n in {10..29}; do
  echo "text $n" >in$n
  eval "exec $n<in$n"
  rpc --fd 4 --fd $n $W bash -c 'echo up >&2; read x; read y <&$1; cd /proc/self/fd; echo "$y:" [0-9]* >&4' bash $n <go 4>out$n 2>up$n 3>&- &
done
wait_for sh -c '[ $(cat up* | grep -c up) = 20 ]'
exec 3>&-
wait
cat out* # 3 is the folder that is listed

# stdout:
#| text 10: 0 1 10 2 3 4
#| text 11: 0 1 11 2 3 4
#| text 12: 0 1 12 2 3 4
#| text 13: 0 1 13 2 3 4
#| text 14: 0 1 14 2 3 4
#| text 15: 0 1 15 2 3 4
#| text 16: 0 1 16 2 3 4
#| text 17: 0 1 17 2 3 4
#| text 18: 0 1 18 2 3 4
#| text 19: 0 1 19 2 3 4
#| text 20: 0 1 2 20 3 4
#| text 21: 0 1 2 21 3 4
#| text 22: 0 1 2 22 3 4
#| text 23: 0 1 2 23 3 4
#| text 24: 0 1 2 24 3 4
#| text 25: 0 1 2 25 3 4
#| text 26: 0 1 2 26 3 4
#| text 27: 0 1 2 27 3 4
#| text 28: 0 1 2 28 3 4
#| text 29: 0 1 2 29 3 4
