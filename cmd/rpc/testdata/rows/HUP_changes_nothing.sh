# HUP changes nothing: rpcd sees new exports without it.

kill -HUP $RPCD
rpc $W true
ln -s $(type -P true) $D/ex/fresh
rpc $W fresh
echo $?

# stdout:
#| 0
