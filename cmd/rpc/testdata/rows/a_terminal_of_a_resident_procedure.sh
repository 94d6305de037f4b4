# A resident procedure has no terminal: such a call is refused in one line.
#
# on: passed bridge

procedure r sh
echo 1 >"$D/ex/r/workers"
rpc -t $W r </dev/null
echo $?

# stdout:
#| 125
# stderr:
#| rpc: $W cannot run "r" in a terminal: a resident worker has none (call it without -t)
