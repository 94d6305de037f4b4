# A procedure's workdir file wins over serve's --workdir.
#
# serve: --workdir /var
# needs: root

procedure p sh
echo /usr >$D/ex/p/workdir
rpc $W p -c pwd
mkdir only
unshare -m sh -c 'mount -t tmpfs none only && mkdir only/sub && cd only/sub && rpc $W p -c pwd'

# stdout:
#| $D/cwd
#| /usr
