# A socket works as stderr, too.

echo 'rpc $W sh -c "echo out; echo err >&2"' >s
socat -u EXEC:"bash s",stderr - | sort

# stdout:
#| err
#| out
