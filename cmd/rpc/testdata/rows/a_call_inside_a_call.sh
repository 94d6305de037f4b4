# A call inside a call that is deeper than there are places ends: the last is refused when --queue-wait is over.
#
# serve: --max-calls 3
# serve: --queue-wait 1s
# fault: 79

printf '#!/bin/sh\n[ $1 = 0 ] && exit 7; exec %s -C / %s deep $(($1 - 1))\n' $(type -P rpc) $W >$D/ex/deep
chmod +x $D/ex/deep
rpc $W deep 2
echo $?
rpc $W deep 3
echo $?

# stdout:
#| 7
#| 125
# stderr:
#| rpc: $W is busy: waited 1s behind 3 running (3 deep)
