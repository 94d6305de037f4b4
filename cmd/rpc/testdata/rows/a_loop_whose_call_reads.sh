# A call that reads the stdin of its loop gets the rest of the list, as a local command would.

printf '%s\n' a b c | while read -r f; do
  echo "f=$f"
  rpc $W cat
done

# stdout:
#| f=a
#| b
#| c
