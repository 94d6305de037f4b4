# A full disk under a relayed stdout is an error of rpc's: 125, and the procedure is ended.
#
# on: none bridge
# needs: root
# fault: 44

mkdir full
unshare -m sh -c '
  mount -t tmpfs -o size=64k none full && rpc $W sh -c "echo \$\$ >pid; exec yes" >full/f
  echo $?
  stat -c %s full/f
'
wait_for gone $(<pid) && echo gone

# stdout:
#| 125
#| 65536
#| gone
# stderr:
#| rpc: cannot write the output of $W: no space left on device...
