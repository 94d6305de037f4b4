# The procedure sees the end of its stdin, and what it writes afterwards still arrives.
#
# fault: 30 moby-stdin-end

{
  echo a
  sleep 0.3
  echo b
} | rpc $W sh -c 'cat; echo end'

# stdout:
#| a
#| b
#| end
