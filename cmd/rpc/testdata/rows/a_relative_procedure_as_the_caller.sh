# With --run-as caller a relative path is looked up and run with the caller's rights, in the directory that was entered.
#
# on: passed
# serve: --all-commands
# serve: --run-as caller
# needs: root

chmod 755 $D $D/cwd $D/sock
chmod 777 $D/sock/*
mkdir -m 700 mine
printf '#!/bin/sh\necho "$0 $(id -u)"\n' >mine/tool
chmod 755 mine/tool
cp mine/tool tool
chown -R 1234:1234 mine
as() { setpriv --reuid $1 --regid $1 --clear-groups "${@:2}"; }
as 1234 rpc $W ./tool
as 1235 rpc $W mine/tool
echo $?
cd mine
as 1234 rpc $W ./tool

# stdout:
#| ./tool 1234
#| 126
#| ./tool 1234
# stderr:
#| rpc: $W cannot run "mine/tool": "$D/cwd/mine/tool" can't be looked at: permission denied...
