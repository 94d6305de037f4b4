# A worker short of descriptors runs a call or refuses it in words, burns no time, and recovers.
#
# on: passed none users
# use: shortage hold
# needs: root
# fault: 18

chmod 777 .
procedure p echo
echo any >$D/ex/p/allow
echo A=1 >$D/ex/p/env
hold 3
wait_for still $RPCD
n=$(ls /proc/$RPCD/fd | wc -l)
((least = n - 8)) # rpcd may close some that it has at hand
for p in echo p; do
  for ((i = least; i < n + 20; i++)); do
    as_rpcd prlimit --pid $RPCD --nofile=$i:
    rpc $W $p ran >o 2>e </dev/null
    s=$?
    [[ $s = 0 && $(<o) = ran ]] ||
      [[ $s = 125 && $(grep -c '^rpc: .*open files' e) = 1 && $(wc -l <e) = 1 ]] ||
      echo "$i: $s $(<e)"
    ((i == least || i == n + 19)) && echo $s
  done
done
as_rpcd prlimit --pid $RPCD --nofile=$n:
rpc $W true 2>/dev/null
wait_for still $RPCD
as_rpcd prlimit --pid $RPCD --nofile=$(ulimit -Sn):
rpc $W echo again
release
ls held* | wc -l

# stdout:
#| 125
#| 0
#| 125
#| 0
#| again
#| 3
