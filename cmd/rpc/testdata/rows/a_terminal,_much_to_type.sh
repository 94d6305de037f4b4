# A long text that is typed at once arrives whole, in lines and raw, also where the procedure reads slowly.

seq 300000 | rpc -t $W sh -c 'sleep 0.3; wc -l >count' >/dev/null
cat count
seq 1300000 >much
mkfifo in
rpc -t $W sh -c 'stty raw -echo; echo ready; sleep 0.3; head -c 9288896 | cksum' <in >out &
exec 4>in
wait_for grep -q ready out
cat much >&4
exec 4>&-
wait $!
[[ $(tail -n 1 out) == "$(cksum <much)"* ]] && echo whole

# stdout:
#| 300000
#| whole
