# No shell sees the arguments: they are neither split nor expanded.

# shellcheck disable=SC1003 # a backslash alone is one of the arguments
rpc $W printf '<%s>' '$HOME' '*' 'a  b' "'" '"' '\' ';' '|' "$(printf 'a\nb')"
echo

# stdout:
#| <$HOME><*><a  b><'><"><\><;><|><a
#| b>
