# A reader that has read enough ends the procedure by SIGPIPE, quietly.
#
# on: passed none bridge users
# fault: 45

rpc $W yes | head -1
echo ${PIPESTATUS[0]}

# stdout:
#| y
#| 141
