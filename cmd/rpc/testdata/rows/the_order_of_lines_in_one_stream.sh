# Where stdout and stderr are one file or one pipe, the order of their lines is kept.

rpc $W sh -c 'i=0; while [ $i -lt 1000 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done' >got 2>&1
for ((i = 0; i < 1000; i++)); do
  echo o$i
  echo e$i
done >want
cmp got want && echo file
rpc $W sh -c 'i=0; while [ $i -lt 1000 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done' 2>&1 | cmp - want && echo pipe

# stdout:
#| file
#| pipe
