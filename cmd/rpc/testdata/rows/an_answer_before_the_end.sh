# A procedure's answer to a line arrives before the end of stdin.
#
# fault: moby-interactive

coproc rpc $W cat
for i in 1 2 3; do
  echo $i >&"${COPROC[1]}"
  read -r x <&"${COPROC[0]}"
  echo got $x
done
in=${COPROC[1]}
exec {in}>&-
wait $!
echo $?

# stdout:
#| got 1
#| got 2
#| got 3
#| 0
