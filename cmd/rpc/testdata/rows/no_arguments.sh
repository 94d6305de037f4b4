# A procedure can be called without arguments.

rpc $W sh <<<'echo $#'

# stdout:
#| 0
