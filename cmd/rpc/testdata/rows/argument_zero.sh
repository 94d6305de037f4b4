# A procedure's argument zero is its name as the caller typed it, also where the program is a folder's run. A script
# sees its path.

rpc $W cat /proc/self/cmdline | tr '\0' '\n'
procedure list ls
rpc $W list nosuch
rpc call $W cat nosuch
printf '#!/bin/sh\necho "$0"\n' >$D/ex/script
chmod +x $D/ex/script
rpc $W script

# stdout:
#| cat
#| /proc/self/cmdline
#| $D/ex/script
# stderr:
#| list: cannot access 'nosuch': No such file or directory
#| cat: nosuch: No such file or directory
