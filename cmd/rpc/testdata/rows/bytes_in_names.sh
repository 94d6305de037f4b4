# Directories, procedures and labels can have names that aren't UTF-8.
#
# fault: 55

n=$'d\xff\xc3( ü'
mkdir "$n"
(cd "$n" && rpc $W pwd | cmp - <(pwd) && echo directory)
rpc -C "$n" $W pwd | cmp - <(cd "$n" && pwd) && echo by hand
ln -s $(type -P echo) $D/ex/"$n"
rpc $W "$n" procedure
rpc --label "$n" $W sh -c 'printf %s "$RPC_LABEL"' | cmp - <(printf %s "$n") && echo label

# stdout:
#| directory
#| by hand
#| procedure
#| label
