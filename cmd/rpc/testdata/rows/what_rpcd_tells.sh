# A procedure is told its worker, its name, the call's label and number, and who calls. Variables of rpcd's own stay
# out.
#
# status: 1

procedure p sh
rpc --label 'a label' $W p -c '
  echo "$RPC_WORKER $RPC_PROCEDURE $RPC_LABEL $((RPC_CALL_ID > 0)) $RPC_CALLER_UID $RPC_CALLER_GID"
' | sed "s/ $UID $(id -g)\$/ ours/"
RPC_LABEL=l rpc $W p -c 'echo $RPC_LABEL'
env | grep -c ^RPCD_
rpc $W sh -c 'env | grep -c "^RPCD\|^W="' 2>/dev/null

# stdout:
#| w p a label 1 ours
#| l
#| 0
#| 0
