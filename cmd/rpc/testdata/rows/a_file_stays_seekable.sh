# A passed file is a file for the procedure: it can seek in it, ask for its size, and tail reads from its end.
#
# on: passed

seq 100000 >f
rpc $W tail -c 7 <f
rpc $W bash -c 'exec 3<&0; head -c 2 <&0; [[ -f /dev/stdin ]] && stat -L -c %s /dev/stdin' <f

# stdout:
#| 100000
#| 1
#| 588895
