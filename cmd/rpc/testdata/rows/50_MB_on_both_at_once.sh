# 50 MB on stdout and 50 MB on stderr arrive unchanged at the same time.
#
# fault: 47 kubernetes-noise

head -c 50000000 /dev/urandom >a
head -c 50000000 /dev/urandom >b
{ rpc $W sh -c 'cat <$0 & cat <$1 >&2; wait' $PWD/a $PWD/b | cmp - a; } 2>&1 >o | cmp - b
cat o
echo ${PIPESTATUS[@]}
rm a b

# stdout:
#| 0
