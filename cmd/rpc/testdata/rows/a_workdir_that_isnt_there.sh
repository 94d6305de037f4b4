# A procedure's workdir that can't be entered is told as the cause, also to a caller whose own directory has no name.
#
# fault: 66

procedure p pwd
echo /no/such >$D/ex/p/workdir
mkdir gone
cd gone
rmdir ../gone
rpc $W p
echo $?

# stdout:
#| 125
# stderr:
#| rpc: $W cannot enter its workdir "/no/such": no such file or directory
