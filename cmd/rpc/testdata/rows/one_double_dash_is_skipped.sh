# One double dash before the procedure is skipped. Later ones belong to the procedure.

rpc $W -- printf '<%s>' -- a
echo
rpc $W -- -- a
echo $?
rpc -- $W echo b
rpc $W --help
echo $?

# stdout:
#| <--><a>
#| 127
#| b
#| 127
# stderr:
#| rpc: $W has no procedure "--" ...
#| rpc: $W has no procedure "--help" ...
