# A socket works as stderr, too.
#
# fault: 40

echo 'rpc $W sh -c "echo out; echo err >&2"' >s
socat -u EXEC:"bash s",stderr - | sort

# stdout:
#| err
#| out
