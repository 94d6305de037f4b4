# With -n the procedure gets no byte of the caller's stdin.
#
# fault: kubernetes-no-stdin

echo x | rpc -n $W wc -c
echo x | rpc --stdin-null $W wc -c

# stdout:
#| 0
#| 0
