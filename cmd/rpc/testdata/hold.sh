# hold.sh: calls that run until they are released, for rows that say `use: hold`.
# shellcheck shell=bash disable=SC2086,SC2016,SC2012
# The paths have no blanks, the procedure expands its own script, and the file names are ours.

mkfifo go
exec 3<>go # Descriptor 3 keeps the FIFO open until release. The calls don't get it.

# hold N: begins N calls, and returns when all of them run. Each has opened the FIFO before it says that it runs: one
# that opened it after release would wait for ever.
hold() {
  for ((i = 1; i <= $1; i++)); do
    rpc $W sh -c '{ : >held$0; read x; } <go' $i 3>&- 4>&- &
  done
  wait_for sh -c "[ \$(ls | grep -c ^held) = $1 ]"
}

# release: ends them.
release() {
  exec 3>&-
  wait
}
