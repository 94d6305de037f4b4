# A running call is untouched by changes to its exports. The next call sees them.

mkfifo go
procedure p sh
call $W p -c 'echo $$ >pid; read x <go; echo end; exit 6' >out
wait_for test -s pid
echo 'uid 4294967294' >$D/ex/p/allow
rpc $W p -c true
echo $?
rm -r $D/ex/p
rpc $W p -c true
echo $?
procedure q sh
rpc $W q -c 'echo new'
: >go
wait $job
cat rc out

# stdout:
#| 126
#| 127
#| new
#| 6
#| end
# stderr:
#| rpc: $W cannot run "p": ...
#| rpc: $W has no procedure "p" ...
