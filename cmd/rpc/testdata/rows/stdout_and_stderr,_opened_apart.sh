# Two openings are one to a reader where they have no position of their own: of a file to which both append, and of a
# FIFO. The order of what is written to them is kept. Where one doesn't append, each keeps its position.

both='i=0; while [ $i -lt 300 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done'
for ((i = 0; i < 300; i++)); do printf 'o%d\ne%d\n' $i $i; done >want
rpc $W sh -c "$both" >>log 2>>log
cmp log want && echo appended
mkfifo f
cmp f want &
exec {hold}>f
rpc $W sh -c "$both" >f 2>f
exec {hold}>&-
wait $! && echo FIFO
RPC_PASS=pipes rpc $W sh -c "$both" >>some 2>>some
cmp some want && echo pipes alone
rpc $W sh -c 'printf 12345678; printf abcdefgh >&2' 1<>own 2<>own
wc -c <own
rpc $W sh -c 'echo out; echo err >&2' >>one 2>>two
cat one two

# stdout:
#| appended
#| FIFO
#| pipes alone
#| 8
#| out
#| err
