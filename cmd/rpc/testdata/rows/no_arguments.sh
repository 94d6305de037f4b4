# A procedure can be called without arguments.
#
# fault: 54

rpc $W sh <<<'echo $#'

# stdout:
#| 0
