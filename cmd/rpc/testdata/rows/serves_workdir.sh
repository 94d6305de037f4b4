# Where the caller's directory isn't shared, calls start in serve's --workdir. A directory that -C names must exist.
#
# serve: --workdir /var
# needs: root

rpc $W pwd
mkdir only
unshare -m sh -c 'mount -t tmpfs none only && mkdir only/sub && cd only/sub && rpc $W pwd'
rpc -C /no/such $W pwd
echo $?

# stdout:
#| $D/cwd
#| /var
#| 125
# stderr:
#| rpc: ...
