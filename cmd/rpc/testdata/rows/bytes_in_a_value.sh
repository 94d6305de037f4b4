# A value can hold newlines and bytes that aren't UTF-8.
#
# fault: 55 nailgun-bytes

procedure p sh
echo FOO >$D/ex/p/env
v=$(printf '\x01\xff\n\xc3')
rpc -e FOO="$v" $W p -c 'printf %s "$FOO"' | cmp - <(printf %s "$v") && echo same

# stdout:
#| same
