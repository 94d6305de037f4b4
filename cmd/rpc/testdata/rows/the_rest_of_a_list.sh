# What a procedure leaves unread of a file is left for the caller's next command, whichever way the call ends.

seq 30000 >list
{
  rpc $W true
  cat
} <list | cmp - list && echo whole
{
  rpc $W echo ran
  cat
} <list | cmp - <(echo ran && cat list) && echo whole
{
  rpc $W dd bs=1 count=4
  cat
} <list 2>/dev/null | cmp - list && echo whole
{
  rpc $W sh -c 'read a; read b; echo $a; echo $b'
  cat
} <list | cmp - list && echo whole
{
  rpc $W sh -c 'sleep 0.3; exit 1'
  cat
} <list | cmp - list && echo whole
{
  rpc -n $W cat
  cat
} <list | cmp - list && echo whole
{
  rpc $W cat
  cat
} <list | cmp - list && echo whole
{
  rpc $W nope
  cat
} 2>/dev/null <list | cmp - list && echo whole

# stdout:
#| whole
#| whole
#| whole
#| whole
#| whole
#| whole
#| whole
#| whole
