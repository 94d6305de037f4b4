# With --run-as caller the terminal belongs to the caller's user, so that its name opens.
#
# on: passed
# serve: --run-as caller
# needs: root

chmod 755 $D $D/cwd $D/sock
chmod 777 $D/sock/*
setpriv --reuid 1234 --regid 1234 --clear-groups rpc -t $W sh -c 'id -u; stat -c %u $(tty); : >$(tty) && echo opens' </dev/null | tr -d '\r'

# stdout:
#| 1234
#| 1234
#| opens
