# Empty arguments and blanks arrive as they are.
#
# fault: 54

rpc $W sh -c 'for a; do printf "<%s>" "$a"; done; echo $#' sh "" a "" " " ""

# stdout:
#| <><a><>< ><>5
