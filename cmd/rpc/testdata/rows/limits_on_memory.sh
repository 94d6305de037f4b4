# A plain call needs neither the addresses nor the threads of Go's runtime, and what needs them ends with 125 and one
# line under a limit that forbids them.
#
# on: passed
# fault: 138

unset RPC_TEST_ENTRY
printf 'b\na\n' >in
(ulimit -v 400000 && rpc $W sort <in >out)
echo $? $(<out)
(ulimit -d 1000 && rpc $W sh -c 'exit 7')
echo $?
(ulimit -v 400000 && rpc --pass none $W sh -c ': >began' 2>e)
echo $? $(wc -l <e)
(ulimit -d 1000 && rpc -v $W sh -c ': >began' 2>e)
echo $? $(wc -l <e)
(ulimit -v 400000 && rpc ps $W 2>e)
echo $? $(<e)
ls

# stdout:
#| 0 a b
#| 7
#| 125 1
#| 125 1
#| 1 rpc: cannot start: ulimit -v allows less than 1572864 KiB, which this needs (a plain call doesn't: files and pipes, no terminal)
#| e
#| in
#| out
