# A setuid export and one that others may write are refused, and the error names chmod as the cure.
#
# fault: 65

cp $(type -P true) $D/ex/s
chmod 4755 $D/ex/s
cp $(type -P true) $D/ex/o
chmod 777 $D/ex/o
for p in s o; do
  rpc $W $p 2>err
  echo $? $(wc -l <err) $(grep -c chmod err)
done

# stdout:
#| 126 1 1
#| 126 1 1
