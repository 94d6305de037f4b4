# Where a call runs in the workdir, since its caller's directory isn't there, a relative path is a file of the workdir.
#
# serve: --all-commands
# serve: --workdir /usr

mkdir gone
cd gone
rmdir ../gone
rpc $W bin/env | grep ^PWD
rpc $W ./none
echo $?

# stdout:
#| PWD=/usr
#| 127
# stderr:
#| rpc: $W has no procedure "./none" (no such file in "/usr")
