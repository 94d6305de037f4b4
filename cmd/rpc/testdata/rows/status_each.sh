# Every status arrives as an exit and not as a death by a signal, those above 128 and rpc's own 124 to 127 included.
#
# fault: moby-status

for i in 1 2 100 123 124 125 126 127 128 129 137 200 254; do
  died rpc $W sh -c "exit $i"
done

# stdout:
#| exit 1
#| exit 2
#| exit 100
#| exit 123
#| exit 124
#| exit 125
#| exit 126
#| exit 127
#| exit 128
#| exit 129
#| exit 137
#| exit 200
#| exit 254
