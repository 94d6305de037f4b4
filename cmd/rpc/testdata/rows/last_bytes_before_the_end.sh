# Bytes written just before a death by KILL arrive before the status does, each of 1000 times.
#
# time: 5m
# fault: 50

n=$((${SHORT:-0} ? 50 : 1000))
for ((i = 0; i < n; i++)); do
  out=$(rpc $W sh -c 'printf "%06d\n" $1; printf "%06d\n" $1 >&2; kill -9 $$' sh $i 2>e)
  s=$?
  printf -v want %06d $i
  [[ $s == 137 && $out == "$want" && $(<e) == "$want" ]] || echo "call $i: $s, $out, $(<e)"
done 2>/dev/null

# stdout: nothing
