# A call ends with its procedure though another process still holds its stdin open.
#
# fault: moby-interactive

mkfifo f
exec 3<>f
rpc $W sh -c 'echo ran' <&3
echo $?

# stdout:
#| ran
#| 0
