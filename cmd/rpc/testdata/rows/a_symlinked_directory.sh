# A caller that went through a symlink gets the directory behind it.

mkdir real
ln -s real link
cd link
rpc $W sh -c 'pwd -P'

# stdout:
#| $D/cwd/real
