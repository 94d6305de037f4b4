# A shell that reports its child's death as 128+N has exited: rpc exits with that number, too.

died rpc $W sh -c 'sh -c "kill -9 \$\$"'

# stdout:
#| exit 137
# stderr:
#| ...Killed...
