# 1.9 MB of variables cross, and 2.2 MB are refused with 126 in one line.
#
# fault: 53

ulimit -s 65536
procedure p sh
echo 'V*' >$D/ex/p/env
a=$(printf %0100000d 1)
e=()
for i in {1..19}; do
  export V$i=$a
  e+=(-e V$i)
done
rpc "${e[@]}" $W p -c 'env | grep -c ^V'
for i in {20..22}; do
  export V$i=$a
  e+=(-e V$i)
done
rpc "${e[@]}" $W p -c 'echo ran' 2>e
echo $? $(wc -l <e) $(grep -c 'too long' e)
unset ${!V*}
rpc $W true
echo $?

# stdout:
#| 19
#| 126 1 1
#| 0
