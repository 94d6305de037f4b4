# A logical name that leads the worker's user nowhere, or that is asked for by -e, leaves the directory as it is: PWD is
# the directory's own name, or what was asked for.
#
# on: users

mkdir -m 700 private
mkdir shared
ln -s ../shared private/link
cd private/link
rpc $W env | sed -n "s/^PWD=//p"
procedure p env
echo PWD >$D/ex/p/env
rpc -e PWD $W p | sed -n "s/^PWD=//p"
rpc -e PWD=/any $W p | sed -n "s/^PWD=//p"

# stdout:
#| $D/cwd/shared
#| $D/cwd/private/link
#| /any
