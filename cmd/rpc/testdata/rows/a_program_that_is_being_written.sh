# A program that is open for writing is refused with 126, as a shell does, and runs once it is closed.
#
# fault: 52

cp "$(type -P true)" $D/ex/busy
exec 8>>$D/ex/busy
rpc $W busy
echo $?
exec 8>&-
rpc $W busy
echo $?

# stdout:
#| 126
#| 0
# stderr:
#| rpc: $W cannot run "busy": "$D/ex/busy" is open for writing (call again once it is written)
