# Output that is appended to a file arrives at its end, in the order of the calls.

echo a >f
# shellcheck disable=SC2129 # each command opens the file anew
rpc $W echo b >>f
echo c >>f
rpc $W sh -c 'echo d; echo e' >>f
cat f

# stdout:
#| a
#| b
#| c
#| d
#| e
