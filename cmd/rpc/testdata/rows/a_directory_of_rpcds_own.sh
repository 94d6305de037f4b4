# No link of /proc leads a caller to a directory of rpcd's.
#
# fault: 66

for d in /proc/self/cwd /proc/self/root /proc/self/fd/3 /proc/self/fd/3/.. /proc/$RPCD/root /dev/fd/5; do
  rpc -C $d $W pwd 2>e
  echo $? $(wc -l <e)
done

# stdout:
#| 125 1
#| 125 1
#| 125 1
#| 125 1
#| 125 1
#| 125 1
