# Each of 100 calls at once has its own three streams, and no descriptor of rpcd's or of another call's.
#
# status: 1
# fault: 70

mkfifo go
exec 3<>go
for i in {1..100}; do rpc $W sh -c '{ : >up$0; read x; } <go; exec ls -l /proc/self/fd' $i >out$i 3>&- & done
wait_for sh -c '[ $(ls | grep -c ^up) = 100 ]'
exec 3>&-
wait
cat out* | sed -n 's/.* \([0-9]* -> .*\)/\1/p' >all
grep -v '^[012] ' all | sed 's,/[0-9]*/,/N/,' | sort | uniq -c
grep -c '^[012] ' all
grep -c 'socket:\|anon_inode:' all

# stdout:
#|     100 3 -> /proc/N/fd
#| 300
#| 0
