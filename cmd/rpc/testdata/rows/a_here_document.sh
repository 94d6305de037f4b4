# A here document works as stdin.

rpc $W sort <<EOF
b
a
EOF

# stdout:
#| a
#| b
