# shellcheck shell=bash
# The suite's own end, by a failed test and by signals, is the sidecar's. Four of them run side by side.
ends=(exit TERM INT KILL)
for end in "${ends[@]}"; do
  {
    cat "$D/recipe.sh"
    # shellcheck disable=SC2016 # the suite's variables
    printf 'echo $! "$dir" >%s.pid\n' "$end"
    case $end in exit) echo 'exit 4' ;; *) echo "kill -$end \$\$" ;; esac
  } >"$end.sh"
  env --default-signal=INT bash "$end.sh" >"$end.out" 2>&1 &
done
for end in "${ends[@]}"; do
  wait_for test -s "$end.pid"
  read -r pid dir <"$end.pid"
  wait_for gone "$pid"
  case $end in KILL) rm -r "$dir" ;; esac
  wait_for test ! -e "$dir"
  head -n 1 "$end.out"
done
# prints: 6
# prints: 6
# prints: 6
# prints: 6
wait

rpc ping --wait 0.1s db 2>/dev/null || echo "status $?" # prints: status 1
