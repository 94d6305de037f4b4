# Bash's <(...) and >(...) work as arguments: what is written comes to its end, and so does a writer that nobody reads.
#
# on: passed none bridge users

ln -s "$(type -P diff)" "$D/ex/"
rpc $W diff <(seq 3) <(seq 4)
echo $?
seq 100000 | rpc $W tee >(gzip >x.gz) >(cksum >sum) | cksum
wait_for gzip -t x.gz
wait_for test -s sum
gzip -dc x.gz | cksum
cat sum
rpc $W head -n 1 <(yes)

# stdout:
#| 3a4
#| > 4
#| 1
#| 2052179976 588895
#| 2052179976 588895
#| 2052179976 588895
#| y
