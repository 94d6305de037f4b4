# A procedure moves the position of its caller's file exactly as far as it reads or writes.

printf 0123456789 >f
{
  rpc $W dd bs=1 skip=3 count=2
  cat
} <f 2>/dev/null
echo
{
  head -c 2
  rpc $W head -c 3
  cat
} <f
echo
exec 4<>f
printf ab >&4
rpc $W sh -c 'printf cd' >&4
printf ef >&4
cat f
echo

# stdout:
#| 3456789
#| 0123456789
#| abcdef6789
