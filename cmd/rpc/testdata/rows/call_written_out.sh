# "rpc call" is what a call is without the word, options included.
#
# status: 7

rpc call $W echo a b
rpc call -C / $W pwd
rpc call $W sh -c 'exit 7'

# stdout:
#| a b
#| /
