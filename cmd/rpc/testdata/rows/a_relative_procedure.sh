# With --all-commands a relative path is a file of the directory in which the call runs, as for a shell, and a script
# sees it as it was typed.
#
# serve: --all-commands

mkdir -p sub real/deep top
printf '#!/bin/sh\necho "$0 $# ${PWD##*/}"\n' >configure
chmod +x configure
cp configure sub/tool
cp configure real/x
ln -s ../real/deep top/link
rpc $W ./configure a b
rpc $W sub/tool
cd sub
rpc $W ../configure
rpc $W .//../sub/tool
rpc -C .. $W sub/tool
cd ../top/link
rpc $W ../x
../x

# stdout:
#| ./configure 2 cwd
#| sub/tool 0 cwd
#| ../configure 0 sub
#| .//../sub/tool 0 sub
#| sub/tool 0 cwd
#| ../x 0 link
#| ../x 0 link
