# 10000 variables cross.
#
# fault: 68

procedure p sh
echo 'V*' >$D/ex/p/env
for i in {1..10000}; do export V$i=$i; done
names=$(echo V{1..10000})
RPC_ENV=${names// /,} rpc $W p -c 'env | grep -c ^V; echo $V1 $V10000'

# stdout:
#| 10000
#| 1 10000
