# "rpc doctor" says that a frozen worker accepts and doesn't answer.
#
# on: passed bridge
# use: findings

kill -STOP $RPCD
wait_for is T $RPCD
findings rpc doctor $W
kill -CONT $RPCD

# stdout:
#| bad answer: accepts, but doesn't answer within 2s: frozen, or a bridge to nowhere
#|  cure: docker unpause, kill -CONT, ...
#| status 1
