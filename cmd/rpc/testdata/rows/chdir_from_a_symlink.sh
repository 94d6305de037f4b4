# A relative -C leads where chdir(2) does, as with env -C and make -C. PWD is the name that "cd" would give, where that is
# the same directory.

mkdir -p real/deep top
ln -s ../real/deep top/link
ln -s deep real/other
mkdir real/deep/sub
cd top/link
for c in sub . .. ../other sub/../.. ../other/.. ./sub//; do
  (env -C $c pwd -P)
  rpc -C $c $W sh -c 'pwd -P; echo $PWD'
  RPC_CHDIR=$c rpc $W sh -c 'pwd -P; echo $PWD' | tail -n 1
done
rpc -C $D/cwd/top/link $W env | grep ^PWD
rpc -C $D/cwd/top/../top/link/.. $W env | grep ^PWD

# stdout:
#| $D/cwd/real/deep/sub
#| $D/cwd/real/deep/sub
#| $D/cwd/top/link/sub
#| $D/cwd/top/link/sub
#| $D/cwd/real/deep
#| $D/cwd/real/deep
#| $D/cwd/top/link
#| $D/cwd/top/link
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real/deep
#| $D/cwd/real/deep
#| $D/cwd/real/other
#| $D/cwd/real/other
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real
#| $D/cwd/real/deep/sub
#| $D/cwd/real/deep/sub
#| $D/cwd/top/link/sub
#| $D/cwd/top/link/sub
#| PWD=$D/cwd/top/link
#| PWD=$D/cwd/real
