# Lines stay whole where calls open one FIFO each by itself, and so do names that end with NUL.

mkfifo f
exec {hold}<>f
lines='syswrite STDOUT, ($ARGV[0] x 99) . "\n" for 1 .. 5000'
names='syswrite STDOUT, ($ARGV[0] x (1 + $_ % 300)) . "\0" for 1 .. 3000'
for k in 1 2 3 4; do rpc $W env perl -e "$lines" $k >f & done
head -n 20000 <f | grep -vcxE '1{99}|2{99}|3{99}|4{99}'
wait
exec {hold}<&-
for k in 1 2 3 4; do rpc $W env perl -e "$names" $k & done | perl -0ne '/^(\d)\1{0,299}\0\z/ or $broken++; END { print "$. names, ", $broken + 0, " broken\n" }'

# stdout:
#| 0
#| 12000 names, 0 broken
