# A caller that went through a symlink gets the name by which it came: "cd .." leads back the same way as here.
#
# status: 1

mkdir -p real/deep top
ln -s ../real/deep top/link
echo here >top/f
echo there >real/f
cd top/link
sh -c 'cd ..; cat f'
rpc $W sh -c 'cd ..; cat f'
rpc $W sh -c 'echo $PWD; pwd -P'
rpc $W cat ../f
OLDPWD=/usr rpc $W env | grep ^OLDPWD

# stdout:
#| here
#| here
#| $D/cwd/top/link
#| $D/cwd/real/deep
#| there
