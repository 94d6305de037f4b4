# An empty RPC_* variable is an unset one, whichever it is.

for v in TIMEOUT WAIT ENV PASS LABEL SERVER_UID HEARTBEAT CHDIR; do
  env RPC_$v= rpc $W sh -c 'echo "$RPC_LABEL."' || echo $v
  env RPC_$v= rpc doctor $W >d 2>&1 || cat d
done | sort -u
RPC_DIR='' rpc no-such-worker true
echo $?

# stdout:
#| .
#| 125
# stderr:
#| rpc: cannot reach no-such-worker: "/run/rpc...
