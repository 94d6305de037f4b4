# What a procedure shows in its terminal before it ends is shown whole, however much that is.

rpc -t $W sh -c 'stty -opost; seq 1300000' </dev/null >shown
seq 1300000 | cmp - shown && echo whole
for i in {1..20}; do
  rpc -t $W sh -c 'stty -opost; seq 3000' </dev/null >shown
  seq 3000 | cmp - shown || echo "not whole"
done

# stdout:
#| whole
