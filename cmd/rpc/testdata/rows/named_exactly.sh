# A dangerous variable crosses only where the env file names it exactly.
#
# fault: 67

procedure p sh
printf 'PS4\nPYTHONPATH\n' >$D/ex/p/env
rpc -e PS4=x -e PYTHONPATH=/y $W p -c 'echo $PS4 $PYTHONPATH'

# stdout:
#| x /y
