# A caller may close any of its three streams: the procedure gets the null device, and its status arrives.
#
# fault: 41

call() { rpc $W sh -c 'echo out; echo err >&2; cat; exit 3'; }
{
  call <&-
  echo $? >&3
  call >&-
  echo $? >&3
  call 2>&-
  echo $? >&3
  call <&- >&-
  echo $? >&3
  call <&- 2>&-
  echo $? >&3
  call >&- 2>&-
  echo $? >&3
  call <&- >&- 2>&-
  echo $? >&3
} 3>&1 1>o 2>e </dev/null
sort o | uniq -c
sort e | uniq -c

# stdout:
#| 3
#| 3
#| 3
#| 3
#| 3
#| 3
#| 3
#|       3 out
#|       3 err
