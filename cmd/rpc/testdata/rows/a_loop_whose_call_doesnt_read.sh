# A relayed stdin is read ahead. Where that takes bytes of a pipe from the shell that called rpc, though the procedure
# took none, rpc says so, and -n leaves them there. The procedure waits until there is something to read.
#
# on: none bridge

ln -s "$(type -P perl)" $D/ex/
ready='vec($r, 0, 1) = 1; select($r, undef, undef, undef)'
printf '%s\n' a b c | while read -r f; do
  rpc $W perl -e "$ready"
  echo $f
done
printf '%s\n' a b c | while read -r f; do
  rpc -n $W true
  echo $f
done
# Nobody else reads this pipe.
echo x | rpc $W perl -e "$ready"
# A procedure that reads has taken its bytes.
printf '%s\n' a b c | while read -r f; do
  rpc $W cat
done

# stdout:
#| a
#| a
#| b
#| c
#| b
#| c
# stderr:
#| rpc: 4 bytes of stdin were read ahead for "perl", which took none: the shell that called rpc lacks them (-n reads none)
