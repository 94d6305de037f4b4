# A descriptor that only rpc itself has open isn't taken for the caller's --status-fd.
#
# fault: 41

for n in {3..9}; do
  rpc --status-fd $n $W echo ran 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- 2>e
  echo $n $? $(grep -c "^rpc: .* $n: .* isn't open$" e)
done

# stdout:
#| 3 125 1
#| 4 125 1
#| 5 125 1
#| 6 125 1
#| 7 125 1
#| 8 125 1
#| 9 125 1
