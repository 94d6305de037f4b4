# Bash sees a procedure's death by a signal as 128+N, as it does for a local command.

for n in HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM; do
  rpc $W sh -c "ulimit -c 0; kill -$n \$\$"
  echo $n $?
done 2>/dev/null

# stdout:
#| HUP 129
#| INT 130
#| QUIT 131
#| ILL 132
#| TRAP 133
#| ABRT 134
#| BUS 135
#| FPE 136
#| KILL 137
#| USR1 138
#| SEGV 139
#| USR2 140
#| PIPE 141
#| ALRM 142
#| TERM 143
