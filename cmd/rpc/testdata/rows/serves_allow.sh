# A caller whom serve's --allow doesn't name is refused with 126, and the error quotes the rule.
#
# serve: --allow uid 4294967294
# status: 126

rpc $W true

# stdout: nothing
# stderr:
#| rpc: $W doesn't serve you (uid ...): its --allow says uid 4294967294
