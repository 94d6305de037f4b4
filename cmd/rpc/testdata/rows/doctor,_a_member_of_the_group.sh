# "rpc doctor" lets a member of the socket's group in, and notes whose files a call makes.
#
# on: users
# use: findings

chmod 777 .
findings setpriv --reuid 4242 --regid 4343 --groups 54321 rpc doctor $W
findings -n setpriv --reuid 4242 --regid 54321 --clear-groups rpc doctor $W
findings -n setpriv --reuid 54321 --regid 4343 --groups 54321 rpc doctor $W

# stdout:
#| status 0
#| note files: calls run as 54321:54321, you are 4242:54321: ...
#|  cure: one user on both sides (compose: user: "54321:54321"), or rpcd serve --run-as caller
#| status 0
#| note files: calls run as 54321:54321, you are 54321:4343: what they make is of that group
#| status 0
