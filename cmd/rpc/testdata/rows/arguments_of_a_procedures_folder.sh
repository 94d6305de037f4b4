# The args file of a procedure gives its first arguments, a line each.

procedure fixed printf
printf '<%%s>\n--a b\n\n' >$D/ex/fixed/args
rpc $W fixed c ''
echo

# stdout:
#| <--a b><><c><>
