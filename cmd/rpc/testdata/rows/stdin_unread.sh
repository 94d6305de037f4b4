# A procedure that doesn't read its stdin ends the call, and the writer of the pipe gets SIGPIPE.

head -c 5000000 /dev/zero >data
# shellcheck disable=SC2002 # a pipe is what this is about
cat data | rpc $W true
echo ${PIPESTATUS[@]}
rpc $W true <data
echo $?

# stdout:
#| 141 0
#| 0
