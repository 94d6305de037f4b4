# A grandchild that writes without end can't hold up the status or what the procedure wrote itself.
#
# fault: 48

read_slowly() { while (($(head -c 100000 | wc -c))); do sleep 0.02; done; }
rpc $W sh -c 'yes & exit 7' | read_slowly
echo ${PIPESTATUS[0]}
rpc $W sh -c 'yes >&2 & head -c 500000 /dev/zero; exit 7' 2> >(read_slowly) | wc -c
echo ${PIPESTATUS[0]}

# stdout:
#| 7
#| 500000
#| 7
