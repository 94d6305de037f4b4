# A procedure of another user reads and writes the caller's private files where they are passed as streams.
#
# on: users

umask 077
echo secret >f
rpc $W cat <f
rpc $W echo written >g
cat g

# stdout:
#| secret
#| written
