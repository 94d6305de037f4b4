# rpcd opens no port: none of its sockets is in the kernel's lists for the network.
#
# fault: 88

rpc $W true
for fd in "/proc/$RPCD/fd"/*; do
  s=$(readlink $fd)
  [[ $s == socket:* ]] && echo ${s//[^0-9]/}
done >sockets
(($(wc -l <sockets) > 0)) && cat /proc/$RPCD/net/{tcp,tcp6,udp,udp6,raw,raw6,packet} 2>/dev/null | grep -wFf sockets
echo none

# stdout:
#| none
