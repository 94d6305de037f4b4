# Two calls of one pipeline on a worker with one place end: the second is refused when --queue-wait is over.
#
# serve: --max-calls 1
# serve: --queue-wait 1s
# fault: 79

rpc $W sh -c ': >up; exec cat /dev/zero' | {
  wait_for test -e up
  rpc $W wc -c
  echo $?
}
echo ${PIPESTATUS[0]}

# stdout:
#| 125
#| 141
# stderr:
#| rpc: $W is busy: waited 1s behind 1 running (1 sh)
