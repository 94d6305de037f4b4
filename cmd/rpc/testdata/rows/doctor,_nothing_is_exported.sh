# "rpc doctor" says that the caller may call no procedure.
#
# on: passed
# use: findings

rm $D/ex/*
findings rpc doctor $W
procedure detect true
: >$D/ex/detect/allow
findings rpc doctor $W
echo uid $UID >$D/ex/detect/allow
findings rpc doctor $W

# stdout:
#| bad procedures: none that you may call
#|  cure: on the worker "rpcd check" shows ... allow files and --allow admit ...:...
#| status 1
#| bad procedures: none that you may call
#|  cure: on the worker ...
#| status 1
#| status 0
