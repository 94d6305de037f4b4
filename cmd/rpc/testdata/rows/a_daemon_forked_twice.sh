# A procedure that leaves a daemon behind ends its call at once, whether that daemon holds the streams or not.
#
# fault: 49

t=$(now)
for s in '' '<&- >&- 2>&-'; do
  rm -f pid
  rpc $W sh -c "(setsid sh -c 'echo \$\$ >pid; exec sleep 60' $s &); until [ -s pid ]; do sleep 0.02; done; exit 7" >out
  echo $?
  kill -9 $(<pid) 2>/dev/null
done
(($(now) - t < 30)) && echo soon

# stdout:
#| 7
#| 7
#| soon
