# A procedure can't overwrite rpcd's binary.
#
# needs: root
# fault: 73

sum=$(cksum </proc/$RPCD/exe)
rpc $W sh -c 'echo x >/proc/$PPID/exe' 2>/dev/null
(($?)) && echo refused
[[ $(cksum </proc/$RPCD/exe) == "$sum" ]] && echo same
rpc $W true
echo $?

# stdout:
#| refused
#| same
#| 0
