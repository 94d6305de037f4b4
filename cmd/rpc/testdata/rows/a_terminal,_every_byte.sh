# Through a terminal that the procedure has made raw each byte crosses both ways, and none is taken as a key.
#
# status: 129

for i in {0..255}; do printf "%b" "\\x$(printf %x "$i")"; done >all
mkfifo in
rpc -t $W sh -c 'stty raw -echo; echo ready; head -c 256 >got; cat got; : >end; read a' <in >out &
exec 4>in
wait_for grep -q ready out
cat all >&4
wait_for test -e end
exec 4>&-
wait_for cmp -s all got && echo typed
wait_for eval 'tail -c +7 out | cmp -s all -' && echo shown
kill -HUP $!
wait $!

# stdout:
#| typed
#| shown
