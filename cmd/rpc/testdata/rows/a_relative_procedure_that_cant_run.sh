# A relative path that can't be run is refused as a shell would: 127 where nothing is there, 126 where it is no program.
#
# serve: --all-commands

mkdir sub
: >plain
ln -s loop loop
printf '#!/no/such\n' >foreign
chmod +x foreign
for p in ./none none/x plain/x ./plain ./sub ./loop ./foreign ./ ../cwd/plain; do
  rpc $W "$p"
  echo $?
done
cp $(type -P true) busy
rpc $W ./busy 3>>busy
echo $?

# stdout:
#| 127
#| 127
#| 127
#| 126
#| 126
#| 126
#| 126
#| 126
#| 126
#| 126
# stderr:
#| rpc: $W has no procedure "./none" (no such file in "$D/cwd")
#| rpc: $W has no procedure "none/x" (no such file in "$D/cwd")
#| rpc: $W has no procedure "plain/x" (no such file in "$D/cwd")
#| rpc: $W cannot run "./plain": "$D/cwd/plain" is not executable (chmod +x $D/cwd/plain)
#| rpc: $W cannot run "./sub": "$D/cwd/sub" is a directory (name a program in it)
#| rpc: $W cannot run "./loop": "$D/cwd/loop" is a symlink in a circle (remove it)
#| rpc: $W cannot run "./foreign": "./foreign" can't start: its interpreter "/no/such" is missing...
#| rpc: $W cannot run "./": "$D/cwd/" is a directory (name a program in it)
#| rpc: $W cannot run "../cwd/plain": "$D/cwd/../cwd/plain" is not executable (chmod +x $D/cwd/../cwd/plain)
#| rpc: $W cannot run "./busy": "./busy" is open for writing...
