# "rpc doctor" says that serve's --allow doesn't admit the caller.
#
# on: passed
# serve: --allow uid 4294967294
# use: findings

findings rpc doctor $W

# stdout:
#| bad procedures: none that you may call
#|  cure: on the worker ... --allow admit ...:...
#| status 1
