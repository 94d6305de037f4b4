# A call from a directory that was removed, or whose name is over the kernel's limit, says which it is, also with a
# relative -C. An absolute one does.
#
# fault: 66

cat >within <<'X'
for c in . x ..; do
  rpc --status-fd 1 -C $c $W pwd | cut -d, -f1,2
done
rpc --status-fd 1 $W pwd | cut -d, -f1,2
rpc -C / $W pwd
rpc doctor $W | grep -A1 ^bad
rpc doctor -C x $W | grep -A1 ^bad
X
mkdir gone
(
  cd gone
  rmdir ../gone
  eval "$(<$D/cwd/within)"
)
cat >deep <<'X'
mkdir "d" x 200, chdir "d" x 200 or die $! for 1 .. 25;
system @ARGV;
X
perl deep sh $D/cwd/within

# stdout:
#| {"outcome":"no-directory","started":false
#| {"outcome":"no-directory","started":false
#| {"outcome":"no-directory","started":false
#| {"outcome":"no-directory","started":false
#| /
#| bad   directory: the directory here was removed
#|       cure: cd to another, or name one by an absolute -C DIR
#| bad   directory: the directory here was removed (give an absolute one)
#|       cure: cd to another, or name one by an absolute -C DIR
#| {"outcome":"no-directory","started":false
#| {"outcome":"no-directory","started":false
#| {"outcome":"no-directory","started":false
#| {"outcome":"no-directory","started":false
#| /
#| bad   directory: the name of the directory here is over the kernel's limit of 4095 bytes
#|       cure: cd to another, or name one by an absolute -C DIR
#| bad   directory: the name of the directory here is over the kernel's limit of 4095 bytes (give an absolute one)
#|       cure: cd to another, or name one by an absolute -C DIR
# stderr:
#| rpc: cannot call $W in ".": the directory here was removed (give an absolute one)
#| rpc: cannot call $W in "x": the directory here was removed (give an absolute one)
#| rpc: cannot call $W in "..": the directory here was removed (give an absolute one)
#| rpc: cannot call $W from here: the directory here was removed (cd to another, or give -C DIR)
#| rpc: cannot call $W in ".": the name of the directory here is over the kernel's limit of 4095 bytes (give an absolute one)
#| rpc: cannot call $W in "x": the name of the directory here is over the kernel's limit of 4095 bytes (give an absolute one)
#| rpc: cannot call $W in "..": the name of the directory here is over the kernel's limit of 4095 bytes (give an absolute one)
#| rpc: cannot call $W from here: the name of the directory here is over the kernel's limit of 4095 bytes (cd to another, or give -C DIR)
